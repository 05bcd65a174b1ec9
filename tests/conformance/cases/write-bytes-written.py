"""bytesWritten counts encoded bytes as they are accepted, queued ones included."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    client.write("h\u00e9")
    props("client", client, "bytes_written")
    client.cork()
    client.write("6869", "hex")
    props("client", client, "bytes_written")
    client.uncork()
    client.end(b"x" * 10)
    props("client", client, "bytes_written")
    client.on("close", lambda had_error: props("client", client, "bytes_written bytes_read"))
