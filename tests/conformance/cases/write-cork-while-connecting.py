"""cork() while connecting holds what is written after it, and not what was written before."""
import threading

from prelude import cb, listen, net, props, watch

server = net.create_server()
client = net.Socket()
gate = threading.Event()


def lookup(host, **options):
    gate.wait(4)
    return "127.0.0.1"


@server.on("connection")
def connection(peer):
    watch("peer", peer, "data")
    peer.on("close", lambda had_error: server.close())

    @peer.once("data")
    def uncork(chunk):
        props("client", client, "writable_length bytes_written")
        client.uncork()
        client.end()


@listen(server)
def listening(port):
    watch("client", client, "data")
    client.connect(port=port, host="a.test", lookup=lookup)
    client.write("a", cb("client", "wrote a"))
    client.cork()
    client.write("b", cb("client", "wrote b"))
    gate.set()
