"""connect() with a port and a path: the path wins."""
from prelude import net, tmp, watch

server = watch("server", net.create_server())


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


@server.on("listening")
def listening():
    client = watch("client", net.Socket())
    client.connect(port=1, host="127.0.0.1", path=tmp("a.sock"))
    client.resume()


server.listen(tmp("a.sock"))
