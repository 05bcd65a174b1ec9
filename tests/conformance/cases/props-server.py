"""The properties of a server through its life."""
from prelude import net, props, watch

server = watch("server", net.create_server())
props("call", server, "listening max_connections")
server.max_connections = 5


def listening():
    props("server", server, "listening max_connections")
    server.close(lambda *error: props("server", server, "listening max_connections"))


server.listen(0, "127.0.0.1", listening)
