"""The forms of listen() and connect() with a path."""
from prelude import log, net, tmp, watch

server = watch("server", net.create_server(lambda peer: peer.end()))
FORMS = [((tmp("a.sock"),), {}), ((), {"path": tmp("a.sock")})]


def step(index):
    if index == len(FORMS):
        server.close()
        return
    positional, keywords = FORMS[index]
    client = net.connect(*positional, **keywords)
    client.on("connect", lambda: log("client", f"form {index}"))
    client.resume().on("close", lambda had_error: step(index + 1))


server.listen(path=tmp("a.sock"), callback=lambda: step(0))
