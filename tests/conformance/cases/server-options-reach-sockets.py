"""The server's options reach its sockets."""
from prelude import pair, props


@pair(server=dict(allow_half_open=True, high_water_mark=3000, no_delay=True, keep_alive=True,
                  keep_alive_initial_delay=1000), events="data")
def body(client, peer, server):
    props("peer", peer, "allow_half_open readable_high_water_mark writable_high_water_mark")
    peer.end()
    client.end()
