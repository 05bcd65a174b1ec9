"""listen() on another server's handle: one port for both."""
from prelude import log, net, watch

first = net.create_server()


def listening():
    second = watch("second", net.create_server())

    def both():
        log("second", "address", second.address().address, second.address().port == first.address().port)
        second.close()
        first.close()

    second.listen(handle=first, callback=both)


first.listen(0, "127.0.0.1", listening)
