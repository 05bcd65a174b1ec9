"""A port that is neither a number nor text."""
from prelude import attempt, net

socket = net.Socket()
for port in (True, {}, []):
    attempt("socket", "connect", lambda: bool(socket.connect(port=port, host="127.0.0.1")))
socket.destroy()
