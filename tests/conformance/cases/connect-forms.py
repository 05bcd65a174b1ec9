"""The positional forms of connect()."""
from prelude import log, net

server = net.create_server(lambda peer: peer.end())
server.listen(0)
number = server.address().port
FORMS = [((number,), {}), ((number, "127.0.0.1"), {}), ((str(number), "127.0.0.1"), {}), ((), {"port": number}),
         ((), {"port": number, "host": "127.0.0.1"})]


def step(index):
    if index == len(FORMS):
        server.close()
        return
    positional, keywords = FORMS[index]
    client = net.create_connection(*positional, **keywords)
    client.on("connect", lambda: log("client", f"form {index}"))
    client.resume().on("close", lambda had_error: step(index + 1))


step(0)
