"""connect() with hints that are none."""
from prelude import attempt, net

socket = net.Socket()
attempt("socket", "hints", lambda: bool(socket.connect(port=1, host="a.test", hints=0x10000000)))
socket.destroy()
