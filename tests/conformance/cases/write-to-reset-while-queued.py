"""The peer resets while much is queued: the callback's error, 'error' and 'close'."""
from prelude import later, log, pair


@pair(server=dict(pause_on_connect=True))
def body(client, peer, server):
    client.resume()
    client.write(b"x" * (32 << 20), lambda error: log("client", "wrote", bool(error)))
    client.on("close", lambda had_error: log("client", "over"))
    client.remove_all_listeners("error")
    client.on("error", lambda error: log("client", "failed"))
    later(30, peer.reset_and_destroy)
