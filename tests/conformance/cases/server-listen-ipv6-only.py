"""ipv6Only: no IPv4 client gets in."""
from prelude import call_port, net, watch

server = watch("server", net.create_server())


@server.on("listening")
def listening():
    port = call_port(server.address().port, "server")
    client = watch("client", net.connect(port, "127.0.0.1"))
    client.on("close", lambda had_error: server.close())


server.listen(port=0, host="::", ipv6_only=True)
