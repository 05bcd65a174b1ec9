"""autoSelectFamily: false tries one address."""
from prelude import log, net, watch


def lookup(host, *, all, **options):
    log("lookup", "all", bool(all))
    return "::1", 6


client = watch("client", net.Socket(), "lookup connectionAttempt connectionAttemptFailed")
client.connect(port=1, host="a.test", auto_select_family=False, lookup=lookup)
