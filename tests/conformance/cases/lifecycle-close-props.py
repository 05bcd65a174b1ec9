"""What stands in the properties inside 'end', 'finish' and 'close' of the side that ends second."""
from prelude import pair, props


@pair(events="data")
def body(client, peer, server):
    names = ("destroyed readable writable readable_ended writable_ended writable_finished ready_state pending "
             "connecting")
    peer.on("end", lambda: props("peer", peer, names))
    peer.on("finish", lambda: props("peer", peer, names))
    peer.on("close", lambda had_error: props("peer", peer, names))
    client.end("x")
