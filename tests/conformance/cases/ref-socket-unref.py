"""An unref'd connection does not keep the program alive."""
from prelude import log, pair


@pair()
def body(client, peer, server):
    log("client", "unref")
    client.unref()
    peer.unref()
