"""listen(), close(), ref(), unref() return the server."""
from prelude import attempt, net, watch

server = watch("server", net.create_server())
attempt("call", "listen", lambda: server.listen(0, "127.0.0.1"))
attempt("call", "unref", lambda: server.unref())
attempt("call", "ref", lambda: server.ref())
server.on("listening", lambda: attempt("server", "close", lambda: server.close()))
