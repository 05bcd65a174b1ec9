"""A program that ends loses no byte that it wrote."""
from prelude import net, receive

server = net.create_server()


@server.on("connection")
def connection(peer):
    receive("peer", peer)
    server.close()


@server.on("listening")
def listening():
    client = net.connect(server.address().port, "127.0.0.1")
    client.resume()
    client.end(b"x" * (1 << 20))


server.listen(0, "127.0.0.1")
