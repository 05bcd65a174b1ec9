"""Writes while connecting arrive in order; their callbacks come after 'connect'."""
import threading

from prelude import cb, listen, net, watch

server = net.create_server()
gate = threading.Event()


def lookup(host, **options):
    gate.wait(4)
    return "127.0.0.1"


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    peer.on("close", lambda had_error: server.close())


@listen(server)
def listening(port):
    client = watch("client", net.Socket(), "data")
    client.connect(port=port, host="a.test", lookup=lookup)
    client.write("a", cb("client", "wrote a"))
    client.write("b", cb("client", "wrote b"))
    client.end("c", cb("client", "ended"))
    gate.set()
