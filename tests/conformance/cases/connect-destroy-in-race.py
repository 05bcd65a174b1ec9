"""destroy() inside 'connectionAttemptFailed': no further attempt."""
from prelude import net, watch

client = watch("client", net.Socket(), "connectionAttempt connectionAttemptFailed")
client.on("connectionAttemptFailed", lambda *args: client.destroy())
client.connect(port=1, host="a.test", lookup=lambda host, **options: [("::1", 6), ("127.0.0.1", 4)])
