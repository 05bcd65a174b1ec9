"""readyState after end(), and after destroy()."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.end()
    props("client", client, "ready_state writable readable")
    client.destroy()
    props("client", client, "ready_state writable readable")
