"""A listener that throws: emit() passes it on and calls no further listener."""
from prelude import attempt, log, net


def first():
    raise RuntimeError("first")


server = net.create_server()
server.on("test", first)
server.on("test", lambda: log("server", "second"))
attempt("server", "emit", lambda: server.emit("test"))
