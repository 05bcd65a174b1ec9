"""listen() on a descriptor that is bound already."""
import os
import socket

from prelude import log, net, watch

first = socket.socket()
first.bind(("127.0.0.1", 0))
server = watch("server", net.create_server())


@server.on("listening")
def listening():
    log("server", "address", server.address().address)
    server.close()


server.listen(fd=os.dup(first.fileno()))
first.close()
