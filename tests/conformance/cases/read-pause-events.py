"""The events 'pause' and 'resume' come once for each change."""
from prelude import cb, later, pair


@pair(events="data")
def body(client, peer, server):
    client.on("pause", cb("client", "pause"))
    client.on("resume", cb("client", "resume"))

    @later(20)
    def pause():
        client.pause()
        client.pause()
        later(20, resume)

    def resume():
        client.resume()
        client.resume()
        later(20, lambda: peer.end("x"))
