"""A pipe that ends with its source leaves the source paused."""
from prelude import log, pair, props


@pair(server={"allow_half_open": True}, events="pipe")
def body(client, peer, server):
    client.resume()
    peer.pipe(peer)
    peer.on("pause", lambda: log("peer", "pause"))
    peer.on("unpipe", lambda source: props("peer", peer, "readable_ended writable_finished readable_flowing"))
    peer.on("finish", lambda: log("peer", "paused", peer.is_paused()))
    peer.on("unpipe", lambda source: log("peer", "paused", peer.is_paused()))
    client.end()
