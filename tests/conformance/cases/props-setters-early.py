"""The setters before connect() and after close."""
from prelude import attempt, net, watch

socket = watch("socket", net.Socket())
attempt("call", "setNoDelay", lambda: socket.set_no_delay())
attempt("call", "setKeepAlive", lambda: socket.set_keep_alive(True, 1000))
attempt("call", "ref", lambda: socket.ref())
attempt("call", "unref", lambda: socket.unref())


@socket.on("close")
def closed(had_error):
    attempt("socket", "setNoDelay", lambda: socket.set_no_delay())
    attempt("socket", "setKeepAlive", lambda: socket.set_keep_alive(False))


socket.destroy()
