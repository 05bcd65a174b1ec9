"""Both end at the same moment."""
from prelude import ends

ends(peer=lambda peer: peer.end("from server"), client=lambda client: client.end("from client"), events="data")
