"""autoSelectFamily: false tries one address."""
from prelude import log, net, props, watch


def lookup(host, *, all, **options):
    log("lookup", "all", bool(all))
    return "::1", 6


client = watch("client", net.Socket(), "lookup connectionAttempt connectionAttemptFailed")
client.on("close", lambda had_error: props("client", client, "auto_select_family_attempted_addresses"))
client.connect(port=1, host="a.test", auto_select_family=False, lookup=lookup)
