"""Five thousand small writes keep their order."""
from prelude import ends, receive


def write(client):
    client.resume()
    for number in range(5000):
        client.write(f"line {number}\n")
    client.end()


ends(peer=lambda peer: receive("peer", peer), client=write)
