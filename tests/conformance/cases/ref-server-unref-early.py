"""unref() before listen()."""
from prelude import log, net

server = net.create_server()
server.unref()
server.listen(0, "127.0.0.1")
log("server", "started")
