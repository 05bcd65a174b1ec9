"""A listen() that fails, then close()."""
from prelude import call_port, cb, net, watch

first = net.create_server().listen(0, "127.0.0.1")
port = call_port(first.address().port, "taken")
second = watch("second", net.create_server())


@second.on("error")
def failed(error):
    second.close(cb("second", "closed"))
    first.close()


second.listen(port, "127.0.0.1")
