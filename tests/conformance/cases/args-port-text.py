"""Ports as text of digits."""
from prelude import log, net, watch

server = watch("server", net.create_server(lambda peer: peer.resume()))


@server.on("listening")
def listening():
    client = net.connect(port=str(server.address().port), host="127.0.0.1")

    @client.on("connect")
    def connected():
        log("client", "connected")
        client.destroy()
        server.close()


server.listen(port="0", host="127.0.0.1")
