"""setMaxListeners() with bad values."""
from prelude import attempt, net

server = net.create_server()
for value in (-1, float("nan"), "x"):
    attempt("server", "max", lambda: bool(server.set_max_listeners(value)))
