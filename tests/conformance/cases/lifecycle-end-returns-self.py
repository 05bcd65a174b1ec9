"""end(), destroy(), destroySoon() return what Node says."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "end", lambda: client.end())
    attempt("client", "destroySoon", lambda: client.destroy_soon())
    attempt("client", "destroy", lambda: client.destroy())
