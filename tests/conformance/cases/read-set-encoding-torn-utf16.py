"""No character is torn between chunks (UTF-16, a surrogate pair)."""
from prelude import cb, later, pair


@pair()
def body(client, peer, server):
    content = "a\U0001f600b".encode("utf-16-le")
    client.set_encoding("utf16le")
    client.on("data", cb("client", "data"))

    def step(at):
        peer.write(content[at:at + 3])
        if at + 3 < len(content):
            later(15, lambda: step(at + 3))
        else:
            peer.end()

    step(0)
