"""The listener given to createServer is a 'connection' listener."""
from prelude import log, net, props


def connection(peer):
    log("server", "connection", isinstance(peer, net.Socket), peer.server is server)
    props("peer", peer, "connecting pending ready_state allow_half_open readable writable")
    peer.end()
    server.close()


server = net.create_server(connection)
log("server", "listeners", server.listener_count("connection"))
server.listen(0, "127.0.0.1", lambda: net.connect(server.address().port, "127.0.0.1").resume())
