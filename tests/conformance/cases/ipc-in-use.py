"""A path in use: EADDRINUSE."""
from prelude import net, tmp, watch

first = net.create_server()


def listening():
    second = watch("second", net.create_server())
    second.on("error", lambda error: first.close())
    second.listen(tmp("a.sock"))


first.listen(tmp("a.sock"), listening)
