"""BoundSocket: bound, not yet listening; adopted by listen()."""
from prelude import attempt, log, net, watch

bound = net.BoundSocket(port=0, host="127.0.0.1")
address, family, port = bound.address()
log("bound", "address", address, family, port > 0, bound.is_pipe)
server = watch("server", net.create_server())


def listening():
    log("server", "same port", server.address().port == port)
    attempt("bound", "address", lambda: bound.address())
    server.close()


server.listen(handle=bound, callback=listening)
