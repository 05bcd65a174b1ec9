"""The callback is one-time: the second 'timeout' does not call it."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    count = [0]
    client.set_timeout(40, cb("client", "callback"))

    @client.on("timeout")
    def idle():
        count[0] += 1
        if count[0] == 1:
            peer.write("x")
        else:
            client.set_timeout(0).end()
