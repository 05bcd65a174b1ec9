"""onread: data goes into the caller's buffer, and 'data' is silent."""
from prelude import listen, log, net, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    server.close()
    peer.end("abcdef")


def received(nread, buffer):
    log("client", "onread", nread, bytes(buffer[:nread]), len(buffer))
    return True


@listen(server)
def listening(port):
    watch("client", net.connect(port=port, host="127.0.0.1", onread=net.OnRead(bytearray(4), received)), "data")
