"""bytesRead counts what was received."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.on("end", lambda: props("client", client, "bytes_read"))
    client.on("close", lambda had_error: props("client", client, "bytes_read"))
    peer.write("abc")
    peer.end("def")
