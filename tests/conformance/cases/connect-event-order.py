"""The events of a connect to an address."""
from prelude import net, pair, watch


@pair(keep=True)
def body(client, peer, server):
    second = watch("second", net.Socket(), "lookup connectionAttempt connectionAttemptFailed ready data")

    @second.on("ready")
    def ready():
        second.destroy()
        client.destroy()
        server.close()

    second.connect(port=server.address().port, host="127.0.0.1")
