"""The client says something and ends."""
from prelude import ends

ends(client=lambda client: client.end("bye"), events="data")
