"""Write until false, wait for 'drain', go on: all arrives."""
from prelude import pair, receive


@pair()
def body(client, peer, server):
    receive("peer", peer)
    client.resume()
    left = [64]

    def go():
        while left[0] > 0:
            left[0] -= 1
            if not client.write(b"d" * (1 << 18)):
                client.once("drain", go)
                return
        client.end()

    go()
