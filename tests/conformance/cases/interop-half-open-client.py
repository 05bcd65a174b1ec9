"""The client answers after the server's end."""
from prelude import ends


def answer(client):
    client.on("end", lambda: client.end("the answer"))


ends(peer=lambda peer: peer.end("the question"), client=answer, client_options=dict(allow_half_open=True),
     events="data")
