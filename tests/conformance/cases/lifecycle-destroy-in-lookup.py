"""destroy() inside 'lookup': no attempt is made."""
import threading

from prelude import log, net, watch

watched = threading.Event()


def lookup(host, **options):
    watched.wait(4)         # else the connection could be refused before anybody listens
    return [("127.0.0.1", 4)]


client = watch("client", net.connect(port=1, host="a.test", lookup=lookup), "connectionAttempt")


@client.on("lookup")
def looked_up(error, address, family, host):
    log("client", "lookup", error, address, family, host)
    client.destroy()


watched.set()
