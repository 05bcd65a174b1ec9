"""destroy() right after end(): no 'finish'."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.end()
    client.destroy()
    props("client", client, "destroyed writable_ended writable_finished")
