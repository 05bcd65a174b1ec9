"""A write while connecting is queued: what it returns, and 'drain'."""
import threading

from prelude import attempt, cb, later, listen, net, props, watch

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
    client = watch("client", net.Socket(), "drain")
    client.connect(port=port, host="a.test", lookup=lookup)
    attempt("client", "write", lambda: client.write("early", cb("client", "wrote")))
    props("client", client, "connecting writable_length bytes_written")
    gate.set()
    client.on("connect", lambda: later(30, client.end))
    client.resume()
