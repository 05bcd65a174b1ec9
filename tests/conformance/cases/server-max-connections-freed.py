"""A place becomes free when a connection closes."""
from prelude import log, net


def connection(peer):
    log("peer", "connection")
    peer.on("close", lambda had_error: step())
    peer.resume()


def step():
    if left[0] == 0:
        server.close()
        return
    left[0] -= 1
    client = net.connect(server.address().port, "127.0.0.1")
    client.on("connect", lambda: client.end())
    client.resume()


left = [3]
server = net.create_server(connection)
server.max_connections = 1
server.listen(0, "127.0.0.1", step)
