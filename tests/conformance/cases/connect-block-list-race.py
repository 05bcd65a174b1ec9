"""A block list and the family race: blocked addresses are passed over."""
from prelude import listen, net, watch

blocked = net.BlockList()
blocked.add_address("::1", "ipv6")
server = net.create_server(lambda peer: peer.end())


@listen(server)
def listening(port):
    client = watch("client", net.connect(port=port, host="a.test", block_list=blocked,
                                         lookup=lambda host, **options: [("::1", 6), ("127.0.0.1", 4)]))
    client.resume().on("close", lambda had_error: server.close())
