"""A signal aborts while the name is looked up."""
from prelude import net, props, watch

controller = net.AbortController()


def lookup(host, **options):
    controller.abort()
    return "127.0.0.1", 4


client = watch("client", net.Socket(signal=controller.signal), "connectionAttempt")
client.on("close", lambda had_error: props("client", client, "destroyed connecting"))
client.connect(port=1, host="a.test", lookup=lookup)
