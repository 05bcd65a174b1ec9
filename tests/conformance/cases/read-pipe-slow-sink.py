"""pipe to a sink that is slow and small: all arrives."""
from prelude import log, pair


class Sink:
    total = 0

    def write(self, chunk):
        self.total += len(chunk)

    def end(self):
        log("sink", "finish", self.total)


@pair()
def body(client, peer, server):
    client.pipe(Sink())
    peer.end(b"x" * (1 << 20))
