"""listen() twice: ERR_SERVER_ALREADY_LISTEN."""
from prelude import attempt, net, watch

server = watch("server", net.create_server())


@server.on("listening")
def listening():
    attempt("server", "listen again", lambda: server.listen(0, "127.0.0.1"))
    server.close()


server.listen(0, "127.0.0.1")
