"""destroy() of a socket that never connected: 'close' alone."""
from prelude import attempt, net, props, watch

socket = watch("socket", net.Socket())
attempt("call", "destroy", lambda: socket.destroy())
props("call", socket, "destroyed connecting pending ready_state")
