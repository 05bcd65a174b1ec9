"""An empty path."""
from prelude import attempt, net

server = net.create_server()
attempt("server", "listen", lambda: bool(server.listen(path="")))
server.on("listening", lambda: server.close())
