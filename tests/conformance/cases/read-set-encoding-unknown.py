"""setEncoding() with an unknown encoding."""
from prelude import attempt, net, watch

socket = watch("socket", net.Socket())
attempt("socket", "setEncoding", lambda: socket.set_encoding("nonsense"))
socket.destroy()
