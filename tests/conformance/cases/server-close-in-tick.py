"""close() right after listen(): no 'listening', but a 'close'."""
from prelude import cb, later, log, net, watch

server = watch("server", net.create_server())


def over(error=None):
    log("server", "closed", error)
    later(30, lambda: log("server", "later", server.listening))


@server.once("close")
def closed():
    server.listen(0, cb("server", "callback"))
    server.close(over)


server.listen(0, lambda: server.close())
