"""maxConnections = 0 drops all."""
from prelude import listen, log, net

server = net.create_server(lambda peer: log("server", "connection"))
server.max_connections = 0


@listen(server)
def listening(port):
    client = net.connect(port, "127.0.0.1")
    client.resume().on("error", lambda error: None)

    @client.on("close")
    def closed(had_error):
        log("client", "closed")
        server.close()
