"""A custom lookup that gives no IP address: ERR_INVALID_IP_ADDRESS."""
from prelude import net, watch

client = watch("client", net.Socket(), "connectionAttempt")
client.connect(port=1, host="a.test", auto_select_family=False,
               lookup=lambda host, **options: ("not-an-address", 4))
