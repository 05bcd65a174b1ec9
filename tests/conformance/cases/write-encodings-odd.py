"""Text that does not fit its encoding: half a hex pair, characters that base64 lacks, no padding."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    client.write("616", "hex")
    client.write("62zz63", "hex")
    client.write("Y Q=\n=", "base64")
    client.write("_-8", "base64")
    client.write("\u20ac", "latin1")
    client.end()
