"""write() on a socket that never connected: ERR_SOCKET_CLOSED, 'error', 'close'."""
from prelude import attempt, cb, net, watch

socket = watch("socket", net.Socket())
attempt("call", "write", lambda: socket.write("x", cb("socket", "wrote")))
