"""close() removes the path."""
import os

from prelude import log, net, tmp

server = net.create_server()


def listening():
    log("path", "exists", os.path.exists(tmp("a.sock")))
    server.close(lambda *error: log("path", "exists", os.path.exists(tmp("a.sock"))))


server.listen(tmp("a.sock"), listening)
