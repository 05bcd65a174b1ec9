"""The last 'data' listener is removed: what the state is then."""
from prelude import cb, log, pair, props


@pair()
def body(client, peer, server):
    listener = cb("client", "data")
    client.on("data", listener)
    props("client", client, "readable_flowing")
    client.off("data", listener)
    props("client", client, "readable_flowing")
    log("client", "paused", client.is_paused())
    client.resume()
    peer.end("x")
