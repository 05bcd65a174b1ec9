"""As many uncork() as cork() are needed."""
from prelude import cb, later, pair, props


@pair(events="data")
def body(client, peer, server):
    client.cork()
    client.cork()
    client.write("held", cb("client", "wrote"))
    client.uncork()
    props("client", client, "writable_length")

    @later(30)
    def rest():
        props("client", client, "writable_length")
        client.uncork()
        client.end()
