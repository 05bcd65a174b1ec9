"""What stands in the properties inside 'finish' and 'end' of the side that ends first."""
from prelude import pair, props


@pair(events="data", server=dict(allow_half_open=True))
def body(client, peer, server):
    names = "destroyed readable writable readable_ended writable_ended writable_finished ready_state"
    client.on("finish", lambda: props("client", client, names))
    client.on("end", lambda: props("client", client, names))
    client.on("close", lambda had_error: props("client", client, names))
    peer.on("end", lambda: peer.end())
    client.end("x")
