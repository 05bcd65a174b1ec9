"""reusePort: two servers on one port."""
from prelude import net, watch

first = watch("first", net.create_server())


@first.on("listening")
def listening():
    second = watch("second", net.create_server())

    def both():
        first.close()
        second.close()

    second.listen(port=first.address().port, host="127.0.0.1", reuse_port=True, callback=both)


first.listen(port=0, host="127.0.0.1", reuse_port=True)
