"""onread's buffer may be a function."""
from prelude import listen, log, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    server.close()
    peer.end("abc")


def received(nread, buffer):
    log("client", "onread", nread, bytes(buffer[:nread]))


@listen(server)
def listening(port):
    watch("client", net.connect(port=port, host="127.0.0.1",
                                onread=net.OnRead(lambda: bytearray(8), received)), "data")
