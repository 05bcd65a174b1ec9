"""The callback of listen() is called for its own listen() only."""
from prelude import log, net, watch

server = watch("server", net.create_server())


def first():
    log("server", "first callback")
    server.close(lambda *error: server.listen(0, "127.0.0.1", second))


def second():
    log("server", "second callback")
    server.close()


server.listen(0, "127.0.0.1", first)
