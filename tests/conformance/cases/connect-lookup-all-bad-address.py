"""A custom lookup whose list has no IP address: ERR_INVALID_IP_ADDRESS."""
from prelude import net, watch

client = watch("client", net.Socket(), "connectionAttempt")
client.connect(port=1, host="a.test", lookup=lambda host, **options: [("not-an-address", 4)])
