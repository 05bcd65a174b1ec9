"""A signal that aborts after 'close' changes nothing."""
from prelude import log, net, pair

controller = net.AbortController()


@pair(client=dict(signal=controller.signal), events="data")
def body(client, peer, server):
    @client.on("close")
    def closed(had_error):
        controller.abort()
        log("client", "aborted", controller.signal.aborted)

    client.end()
