"""getConnections() before, with and after a connection."""
from prelude import log, pair, until


@pair(events="data", keep=True)
def body(client, peer, server):
    def after(error, count):
        log("count", "after", error, count)
        server.close()

    def counted(error, count):
        log("count", "open", error, count)

        @peer.on("close")
        def closed(had_error):
            until(lambda: not server.connections, lambda: server.get_connections(after))

        client.end()

    server.get_connections(counted)
