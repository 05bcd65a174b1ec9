"""listen() on a descriptor that is not open: an 'error' event."""
from prelude import attempt, net, watch

server = watch("server", net.create_server())
attempt("call", "listen", lambda: server.listen(fd=9999))
