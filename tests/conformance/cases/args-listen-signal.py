"""listen() with a signal that is none."""
from prelude import attempt, net

server = net.create_server()
attempt("server", "signal", lambda: bool(server.listen(port=0, host="127.0.0.1", signal="x")))
server.on("listening", lambda: server.close())
