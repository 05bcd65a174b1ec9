"""Two thousand small writes keep their order."""
from prelude import pair, receive


@pair()
def body(client, peer, server):
    receive("peer", peer)
    client.resume()
    for number in range(2000):
        client.write(f"line {number}\n")
    client.end()
