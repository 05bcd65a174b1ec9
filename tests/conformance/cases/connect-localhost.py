"""Without a host: localhost."""
from prelude import log, net

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


@server.on("listening")
def listening():
    client = net.Socket()
    client.on("lookup", lambda error, address, family, host: log("client", "looked up", host))
    client.resume().on("connect", lambda: log("client", "loopback", client.remote_address in ("127.0.0.1", "::1")))
    client.connect(server.address().port)


server.listen(0)
