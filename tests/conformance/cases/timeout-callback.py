"""setTimeout(ms, callback): the callback is a 'timeout' listener."""
from prelude import log, pair


@pair(events="data")
def body(client, peer, server):
    def idle():
        log("client", "callback")
        client.set_timeout(0).end()

    client.set_timeout(40, idle)
