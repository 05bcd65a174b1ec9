"""The first address connects; the second is not tried."""
from prelude import listen, net, props, watch

server = net.create_server()


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


@listen(server)
def listening(port):
    client = watch("client", net.Socket(),
                   "lookup connectionAttempt connectionAttemptFailed connectionAttemptTimeout ready")
    client.on("connect", lambda: props(
        "client", client, "auto_select_family_attempted_addresses remote_address"))
    client.connect(port=port, host="a.test", lookup=lambda host, **options: [("127.0.0.1", 4), ("::1", 6)])
    client.resume()
