"""setTimeout(0, callback) removes the callback."""
from prelude import cb, later, log, pair


@pair(events="data")
def body(client, peer, server):
    callback = cb("client", "callback")
    client.set_timeout(30, callback)
    log("client", "listeners", client.listener_count("timeout"))
    client.set_timeout(0, callback)
    log("client", "listeners", client.listener_count("timeout"))
    later(80, client.end)
