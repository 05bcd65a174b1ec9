"""A port in use: EADDRINUSE as 'error'; the server can listen elsewhere then."""
from prelude import call_port, log, net, props, watch

first = net.create_server().listen(0, "127.0.0.1")
port = call_port(first.address().port, "taken")
second = watch("second", net.create_server())


@second.on("error")
def failed(error):
    log("second", "details", error.code, error.syscall, error.address, error.port)
    props("second", second, "listening")
    first.close()
    second.listen(0, "127.0.0.1", lambda: second.close())


second.listen(port, "127.0.0.1")
