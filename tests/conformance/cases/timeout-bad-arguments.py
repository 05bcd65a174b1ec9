"""setTimeout() with bad arguments."""
from prelude import attempt, net

socket = net.Socket()
for value in (-1, float("nan"), float("inf"), "100", 2 ** 31):
    attempt("socket", "setTimeout", lambda: bool(socket.set_timeout(value)))
attempt("socket", "callback", lambda: socket.set_timeout(10, "x"))
socket.destroy()
