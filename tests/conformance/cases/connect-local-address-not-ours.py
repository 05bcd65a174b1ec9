"""A local address that is not this machine's."""
from prelude import net, watch

client = watch("client", net.Socket())
client.connect(port=1, host="127.0.0.1", local_address="192.0.2.1")
