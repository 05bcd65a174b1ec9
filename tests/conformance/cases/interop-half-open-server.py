"""The server answers after it has heard everything."""
from prelude import ends


def answer(peer):
    peer.on("end", lambda: peer.end("the answer"))


ends(peer=answer, client=lambda client: client.end("the question"), server_options=dict(allow_half_open=True),
     events="data")
