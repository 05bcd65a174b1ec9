"""The server says something and ends."""
from prelude import ends

ends(peer=lambda peer: peer.end("bye"), events="data")
