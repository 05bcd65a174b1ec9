"""A time-out that is set keeps no process alive: of a socket that is unref'd, or of one never connected."""
from prelude import log, net, pair

net.Socket().set_timeout(20000, lambda: log("lonely", "timeout"))


@pair(keep=True)
def body(client, peer, server):
    for each in (client, peer, server):
        each.unref()
    client.set_timeout(20000, lambda: log("client", "timeout"))
    log("program", "ends")
