"""A host that is an address is not looked up."""
from prelude import log, net, watch

client = watch("client", net.Socket(), "lookup")
client.connect(port=1, host="127.0.0.1", lookup=lambda host, **options: log("lookup", "asked"))
