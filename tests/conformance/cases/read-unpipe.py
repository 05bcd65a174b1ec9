"""unpipe() stops the flow; the source is paused."""
from prelude import cb, later, log, net, pair


@pair()
def body(client, peer, server):
    def go_on():
        peer.end("two")
        client.on("data", cb("client", "data"))
        client.resume()

    class Sink(net.EventEmitter):
        def write(self, chunk):
            log("sink", "data", chunk)
            client.unpipe(self)
            log("client", "flowing", client.readable_flowing)
            later(20, go_on)
            return True

        def end(self):
            pass

    sink = Sink()
    sink.on("unpipe", lambda source: log("sink", "unpipe"))
    client.pipe(sink)
    peer.write("one")
