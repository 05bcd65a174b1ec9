"""The remote address after 'close', when nobody had read it."""
from prelude import listen, net, props

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.resume()
    peer.on("close", lambda had_error: props("peer", peer, "remote_address remote_family"))
    server.close()


@listen(server)
def listening(port):
    net.connect(port, "127.0.0.1").resume().end()
