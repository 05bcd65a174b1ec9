"""With dropMaxConnection a worker at maxConnections drops the next connection, and tells of it."""
from clusters import clustered, end, when_listening
from prelude import log, net


def serve(own):
    server = net.create_server(lambda socket: socket.resume().write(str(own.id)))
    server.on("drop", lambda data: log(f"in worker {own.id}", "drop", data))
    server.max_connections = 1
    server.drop_max_connection = True
    server.listen(0, "127.0.0.1")


def body(cluster):
    @when_listening(cluster, 1)
    def listening(address):
        first = net.connect(address.port, "127.0.0.1")

        @first.once("data")
        def data(chunk):
            second = net.connect(address.port, "127.0.0.1").on("error", lambda error: None)

            second.resume()

            @second.on("close")
            def closed(had_error):
                log("clients", "the second was read", second.bytes_read)
                first.end()
                end(cluster)


clustered(__name__, serve, body)
