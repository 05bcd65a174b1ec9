"""close() right after listen(): no 'listening', but a 'close'."""
from prelude import cb, later, log, net, watch

server = watch("server", net.create_server())


@server.once("close")
def closed():
    server.listen(0, cb("server", "callback"))
    server.close(cb("server", "closed"))
    later(30, lambda: log("server", "later", server.listening))


server.listen(0, lambda: server.close())
