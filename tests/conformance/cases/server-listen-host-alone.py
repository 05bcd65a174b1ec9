"""listen() with a host and neither port nor path."""
from prelude import attempt, net, watch

server = watch("server", net.create_server())
attempt("call", "listen", lambda: server.listen(host="127.0.0.1"))
server.on("listening", lambda: server.close())
