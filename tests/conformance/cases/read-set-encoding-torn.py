"""No character is torn between chunks (UTF-8)."""
from prelude import cb, later, pair


@pair()
def body(client, peer, server):
    content = "a\u20ac\U0001f600b".encode()
    client.set_encoding("utf8")
    client.on("data", cb("client", "data"))

    def step(at):
        peer.write(content[at:at + 1])
        if at + 1 < len(content):
            later(10, lambda: step(at + 1))
        else:
            peer.end()

    later(10, lambda: step(0))
