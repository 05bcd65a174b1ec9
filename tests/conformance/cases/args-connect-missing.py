"""connect() without port and path: ERR_MISSING_ARGS."""
from prelude import attempt, net, props, watch

socket = watch("socket", net.Socket())
attempt("call", "connect", lambda: socket.connect())
attempt("call", "connect", lambda: socket.connect(host="127.0.0.1"))
attempt("call", "connect", lambda: socket.connect())
props("call", socket, "connecting destroyed")
