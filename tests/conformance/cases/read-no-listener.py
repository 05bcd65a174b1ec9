"""Nobody listens: nothing is lost, and no 'end' comes while data waits."""
from prelude import cb, later, pair, props


@pair()
def body(client, peer, server):
    peer.end("waiting")

    @later(50)
    def late():
        props("client", client, "readable_flowing readable_ended")
        client.on("data", cb("client", "data"))
