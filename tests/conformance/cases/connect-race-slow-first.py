"""The first address hangs: 'connectionAttemptTimeout', and the second wins."""
from prelude import blackhole, net, props, watch

server = net.create_server()
number = blackhole()


@server.on("connection")
def connection(peer):
    peer.end()
    server.close()


@server.on("listening")
def listening():
    client = watch("client", net.Socket(),
                   "connectionAttempt connectionAttemptFailed connectionAttemptTimeout ready")
    client.on("connect", lambda: props(
        "client", client, "auto_select_family_attempted_addresses remote_address"))
    client.connect(port=number, host="a.test", auto_select_family_attempt_timeout=50,
                   lookup=lambda host, **options: [("127.0.0.2", 4), ("127.0.0.1", 4)])
    client.resume()


server.listen(number, "127.0.0.1")
