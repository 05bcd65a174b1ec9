"""end() after destroy(): its callback gets ERR_STREAM_DESTROYED, no event."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.destroy()
    client.end(cb("callback", "ended"))
