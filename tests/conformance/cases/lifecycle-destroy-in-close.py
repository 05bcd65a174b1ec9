"""destroy() and end() inside 'close' change nothing."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    @client.once("close")
    def closed(had_error):
        client.destroy(RuntimeError("late"))
        client.end()

    client.destroy()
