"""listen() that fails does not call its callback."""
from prelude import call_port, cb, net, watch

first = net.create_server().listen(0, "127.0.0.1")
port = call_port(first.address().port, "taken")
second = watch("second", net.create_server())
second.on("error", lambda error: first.close())
second.listen(port, "127.0.0.1", cb("second", "callback"))
