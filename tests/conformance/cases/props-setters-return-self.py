"""The setters return the socket."""
from prelude import attempt, pair


@pair(events="data")
def body(client, peer, server):
    attempt("client", "setNoDelay", lambda: client.set_no_delay(True))
    attempt("client", "setKeepAlive", lambda: client.set_keep_alive(True, 1000))
    attempt("client", "setTimeout", lambda: client.set_timeout(0))
    attempt("client", "setEncoding", lambda: client.set_encoding("utf8"))
    attempt("client", "pause", lambda: client.pause())
    attempt("client", "resume", lambda: client.resume())
    attempt("client", "ref", lambda: client.ref())
    attempt("client", "unref", lambda: client.unref().ref())
    client.end()
