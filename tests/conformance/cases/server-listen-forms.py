"""The positional forms of listen()."""
from prelude import log, net

FORMS = [((0,), {}), ((0, "127.0.0.1"), {}), ((0, "127.0.0.1", 16), {}), (("0",), {}),
         ((), {"port": 0, "host": "127.0.0.1"}), ((), {})]


def step(index):
    if index == len(FORMS):
        return
    server = net.create_server()
    positional, keywords = FORMS[index]

    def listening():
        address = server.address()
        log("server", f"form {index}", address.family, address.port > 0, True)
        server.close(lambda *error: step(index + 1))

    server.listen(*positional, callback=listening, **keywords)


step(0)
