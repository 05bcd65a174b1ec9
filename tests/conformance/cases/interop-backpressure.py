"""The server does not read for a while: the client's write returns false, and all arrives."""
from prelude import attempt, ends, later, receive


def read(peer):
    receive("peer", peer)
    later(100, peer.resume)


def write(client):
    @client.on("connect")
    def connected():
        client.resume()
        attempt("client", "write", lambda: client.write(b"x" * (32 << 20)))
        client.once("drain", lambda: client.end())


ends(peer=read, client=write, server_options=dict(pause_on_connect=True))
