"""address() right after listen() with a host."""
from prelude import log, net

server = net.create_server()
server.listen(0, "127.0.0.1")
log("server", "bound", server.address() is not None, server.listening)
server.on("listening", lambda: server.close())
