"""An unref'd server does not keep the program alive."""
from prelude import log, net, watch

server = watch("server", net.create_server())


def listening():
    log("server", "unref")
    server.unref()


server.listen(0, "127.0.0.1", listening)
