"""setTimeout() twice, each with a callback: both are called, once."""
from prelude import cb, log, pair


@pair()
def body(client, peer, server):
    peer.resume()
    client.set_timeout(10, cb("client", "first"))
    client.set_timeout(20, cb("client", "second"))

    @client.once("timeout")
    def idle():
        log("client", "listeners", client.listener_count("timeout"))
        client.write("activity")
        client.once("timeout", client.destroy)
