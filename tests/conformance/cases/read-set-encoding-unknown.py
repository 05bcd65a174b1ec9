"""setEncoding() with an unknown encoding."""
from prelude import attempt, net, watch

socket = watch("socket", net.Socket())
attempt("call", "setEncoding", lambda: socket.set_encoding("nonsense"))
socket.destroy()
