"""end() with data after end(): ERR_STREAM_WRITE_AFTER_END."""
from prelude import cb, pair


@pair(events="data")
def body(client, peer, server):
    client.end("bye")
    client.end("more", cb("client", "ended again"))
