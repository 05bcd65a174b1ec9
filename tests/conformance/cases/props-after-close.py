"""What stays readable after 'close', when it was read before."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    names = "remote_address remote_port remote_family bytes_read bytes_written"
    props("client", client, names)
    client.on("close", lambda had_error: props("client", client, names + " local_address"))
    client.end("x")
