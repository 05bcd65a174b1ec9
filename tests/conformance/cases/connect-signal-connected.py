"""A signal aborts an open connection, with its reason as the cause."""
from prelude import log, net, pair

controller = net.AbortController()


@pair(client=dict(signal=controller.signal), events="data")
def body(client, peer, server):
    client.on("error", lambda error: log("client", "cause", error.cause))
    controller.abort(RuntimeError("enough"))
