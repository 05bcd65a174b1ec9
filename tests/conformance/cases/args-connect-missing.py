"""connect() without port and path: ERR_MISSING_ARGS."""
from prelude import attempt, net, props, watch

socket = watch("socket", net.Socket())
attempt("socket", "connect", lambda: socket.connect())
attempt("socket", "connect", lambda: socket.connect(host="127.0.0.1"))
attempt("socket", "connect", lambda: socket.connect())
props("socket", socket, "connecting destroyed")
