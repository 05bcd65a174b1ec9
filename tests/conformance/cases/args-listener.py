"""A connection listener that cannot be called."""
from prelude import attempt, net

attempt("net", "createServer", lambda: bool(net.create_server("x")))
attempt("net", "on", lambda: bool(net.create_server().on("connection", 5)))
