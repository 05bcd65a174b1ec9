"""address() and listening before, while and after listening."""
from prelude import log, net, watch

server = watch("server", net.create_server())


def look(*error):
    address = server.address()
    log("server", "address", address and dict(address._asdict()), server.listening)


@server.on("listening")
def listening():
    look()
    server.close(look)
    look()


look()
server.listen(0, "127.0.0.1")
