"""Families alternate, the first one's first."""
from prelude import log, net, watch

client = watch("client", net.Socket(), "connectionAttempt")
client.remove_all_listeners("error")
client.on("error", lambda error: log("client", "error", error.code, [str(each) for each in error.errors]))
client.connect(port=1, host="a.test", lookup=lambda host, **options: [
    ("127.0.0.1", 4), ("127.0.0.2", 4), ("127.0.0.3", 4), ("::1", 6)])
