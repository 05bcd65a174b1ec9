"""What is a port, for connect()."""
from prelude import attempt, net

socket = net.Socket()
for port in (65536, -1, "x", "", " ", 1.5, float("nan"), float("inf"), "99999", "-1"):
    attempt("socket", "connect", lambda: bool(socket.connect(port=port, host="127.0.0.1")))
socket.destroy()
