"""onread's callback returns false: the socket is paused."""
from prelude import later, listen, log, net, watch

server = net.create_server()
clients = []


@server.on("connection")
def connection(peer):
    server.close()
    peer.end("abcdef")


def go_on():
    log("client", "resuming")
    clients[0].resume()


def received(nread, buffer):
    log("client", "onread", nread, bytes(buffer[:nread]))
    later(20, go_on)
    return False


@listen(server)
def listening(port):
    clients.append(net.Socket(onread=net.OnRead(bytearray(3), received)))
    watch("client", clients[0], "data")
    clients[0].connect(port, "127.0.0.1")
