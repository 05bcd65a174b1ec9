"""A conversation: each answers what it hears."""
from prelude import ends


def answer(peer):
    peer.on("data", lambda chunk: peer.write(str(len(chunk) + 1)))


def ask(client):
    turn = [0]

    @client.on("data")
    def data(chunk):
        turn[0] += 1
        if turn[0] < 5:
            client.write("x" * turn[0])
        else:
            client.end()

    client.on("connect", lambda: client.write("x"))


ends(peer=answer, client=ask, events="data")
