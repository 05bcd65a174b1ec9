"""new Socket({ fd }) of a plain file: ERR_INVALID_FD_TYPE."""
import os

from prelude import attempt, net, tmp

descriptor = os.open(tmp("file"), os.O_CREAT | os.O_WRONLY)
attempt("socket", "fd", lambda: bool(net.Socket(fd=descriptor)))
