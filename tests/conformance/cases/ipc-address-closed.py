"""address() of a server on a path, after close()."""
from prelude import log, net, tmp

server = net.create_server()
server.listen(tmp("a.sock"), lambda: server.close(
    lambda *error: log("server", "address", server.address(), server.listening)))
