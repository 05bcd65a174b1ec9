"""The properties inside 'connect' and 'ready'."""
from prelude import listen, net, props

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


@listen(server)
def listening(port):
    client = net.Socket()
    names = "connecting pending ready_state remote_address remote_port"
    client.on("connect", lambda: props("client", client, names))
    client.on("ready", lambda: props("client", client, names))
    client.connect(port, "127.0.0.1")
    client.resume()
