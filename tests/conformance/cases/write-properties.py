"""writable, writableEnded, writableFinished, writableLength as a write and an end go by."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    names = "writable writable_ended writable_finished writable_length writable_need_drain"
    props("client", client, names)
    client.write("x", lambda error: props("client", client, names))
    client.end()
    props("client", client, "writable writable_ended writable_finished")
    client.on("finish", lambda: props("client", client, names))
