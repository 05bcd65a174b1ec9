"""close() twice: the second callback gets ERR_SERVER_NOT_RUNNING."""
from prelude import cb, net, watch

server = watch("server", net.create_server())


@server.on("listening")
def listening():
    server.close(cb("server", "closed"))
    server.close(cb("server", "closed again"))


server.listen(0, "127.0.0.1")
