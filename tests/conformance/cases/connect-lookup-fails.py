"""A custom lookup that fails: its error, as it is."""
from prelude import net, watch


def lookup(host, **options):
    raise RuntimeError("no idea")


client = watch("client", net.Socket(), "lookup connectionAttempt")
client.connect(port=1, host="a.test", lookup=lookup)
