"""listen() again after 'close': a new life."""
from prelude import log, net, watch

server = watch("server", net.create_server())
server.on("listening", lambda: server.close())


@server.once("close")
def closed():
    log("server", "listening", server.listening)
    server.listen(0, "127.0.0.1")


server.listen(0, "127.0.0.1")
