"""destroySoon() sends what is queued, then destroys."""
from prelude import cb, pair, props


@pair(events="data")
def body(client, peer, server):
    client.write("one ", cb("client", "wrote"))
    client.write("two")
    client.destroy_soon()
    props("client", client, "destroyed writable_ended")
