"""localPort is the port that the peer sees."""
from prelude import call_port, net, pair, props

first = net.create_server()
first.listen(0, "127.0.0.1")
number = call_port(first.address().port, "local")


@first.on("close")
def closed():
    @pair(client=dict(local_port=number, local_address="127.0.0.1"), events="data")
    def body(client, peer, server):
        props("client", client, "local_port")
        props("peer", peer, "remote_port")
        peer.end()


first.close()
