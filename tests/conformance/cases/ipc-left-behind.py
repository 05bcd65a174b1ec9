"""A path that a crashed program left: EADDRINUSE for a server, ECONNREFUSED for a client."""
import socket

from prelude import net, tmp, watch

stale = socket.socket(socket.AF_UNIX)
stale.bind(tmp("a.sock"))
stale.close()
server = watch("server", net.create_server())
server.on("error", lambda error: watch("client", net.connect(tmp("a.sock"))))
server.listen(tmp("a.sock"))
