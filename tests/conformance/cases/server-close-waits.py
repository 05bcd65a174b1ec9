"""close() waits for the open connections, and refuses new ones."""
from prelude import cb, log, net, pair, watch


@pair(events="data", keep=True)
def body(client, peer, server):
    port = server.address().port
    server.close(cb("server", "closed"))
    log("server", "listening", server.listening, server.address())
    second = watch("second", net.connect(port, "127.0.0.1"))

    @second.on("close")
    def closed(had_error):
        log("client", "ending")
        client.end()
