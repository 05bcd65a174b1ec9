"""destroy() inside 'lookup': no attempt is made."""
from prelude import log, net, watch

client = watch("client", net.connect(port=1, host="a.test", lookup=lambda host, **options: [("127.0.0.1", 4)]),
               "connectionAttempt")


@client.on("lookup")
def looked_up(error, address, family, host):
    log("client", "lookup", error, address, family, host)
    client.destroy()
