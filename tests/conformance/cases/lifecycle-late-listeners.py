"""Listeners for 'end' and 'close' that are added after the end."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    @client.on("close")
    def closed(had_error):
        client.on("end", cb("client", "late end"))
        client.on("close", cb("client", "late close"))

    client.end("x")
