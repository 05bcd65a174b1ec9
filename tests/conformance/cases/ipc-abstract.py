"""The abstract namespace: no file."""
import os

from prelude import log, net, watch

name = f"\0conformance-{os.getpid()}"
server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end("no file")
    server.close()


@server.on("listening")
def listening():
    log("server", "address", server.address() == name)
    client = net.Socket()
    watch("client", client, "data")
    client.connect(name)


server.listen(name)
