"""close() while listen() still looks its host up: no 'listening' follows."""
from prelude import cb, later, log, net, watch

server = watch("server", net.create_server())
server.listen(0, "localhost", cb("server", "callback"))
server.close(cb("server", "closed"))
later(200, lambda: log("server", "later", server.listening, server.address()))
