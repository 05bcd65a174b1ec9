"""A custom lookup that gives one address where a list is asked for."""
from prelude import listen, net, watch

server = net.create_server(lambda peer: peer.end())


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "lookup connectionAttempt")
    client.connect(port=port, host="a.test", lookup=lambda host, **options: ("127.0.0.1", 4))
    client.resume().on("close", lambda had_error: server.close())
