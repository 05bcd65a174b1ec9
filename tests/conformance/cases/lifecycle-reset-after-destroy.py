"""resetAndDestroy() after destroy()."""
from prelude import attempt, net, watch

socket = watch("socket", net.Socket())
socket.destroy()
socket.on("close", lambda had_error: attempt("socket", "reset", lambda: socket.reset_and_destroy()))
