"""maxConnections: the one above it is dropped, and 'drop' says who."""
from prelude import net, pair, watch


@pair(events="data", keep=True)
def body(client, peer, server):
    server.max_connections = 1
    second = watch("second", net.connect(server.address().port, "127.0.0.1"), "data")

    @second.on("close")
    def closed(had_error):
        client.end()
        server.close()
