"""The server ends an idle connection."""
from prelude import ends

ends(peer=lambda peer: peer.set_timeout(60, lambda: peer.set_timeout(0).end("idle")), events="data")
