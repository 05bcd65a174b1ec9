"""Inside 'error' of a reset connection, and inside 'close'."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.on("error", lambda error: props("client", client, "destroyed readable writable ready_state"))
    client.on("close", lambda had_error: props(
        "client", client, "destroyed readable_ended writable_finished ready_state"))
    peer.reset_and_destroy()
