"""What is a port, for listen()."""
from prelude import attempt, net

server = net.create_server()
for port in (65536, -1, "x", 1.5, float("nan"), "99999"):
    attempt("server", "listen", lambda: bool(server.listen(port=port, host="127.0.0.1")))
