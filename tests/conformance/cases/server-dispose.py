"""Symbol.asyncDispose closes the server."""
from prelude import log, net, watch

server = watch("server", net.create_server())
server.listen(0, "127.0.0.1")
server.wait_for("listening")
server.dispose().result(4)
log("disposed", "listening", server.listening)
