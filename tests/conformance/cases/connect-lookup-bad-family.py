"""A custom lookup that gives a family that is none: ERR_INVALID_ADDRESS_FAMILY."""
from prelude import net, watch

client = watch("client", net.Socket(), "connectionAttempt")
client.connect(port=1, host="a.test", auto_select_family=False, lookup=lambda host, **options: ("127.0.0.1", 5))
