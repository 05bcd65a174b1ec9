"""A blocked client is closed at once, and no 'connection' comes."""
from prelude import listen, log, net

blocked = net.BlockList()
blocked.add_address("127.0.0.1")
server = net.create_server(lambda peer: log("server", "connection"), block_list=blocked)


@listen(server)
def listening(port):
    client = net.connect(port, "127.0.0.1")
    client.resume().on("error", lambda error: None)

    @client.on("close")
    def closed(had_error):
        log("client", "closed")
        server.close()
