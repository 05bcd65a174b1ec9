"""Two half-open sides close one after the other."""
from prelude import pair, props


@pair(server=dict(allow_half_open=True), client=dict(allow_half_open=True), events="data")
def body(client, peer, server):
    peer.on("end", lambda: peer.write("heard you", lambda error: peer.end()))
    client.on("end", lambda: props("client", client, "writable_ended writable_finished readable_ended ready_state"))
    client.end("hello")
