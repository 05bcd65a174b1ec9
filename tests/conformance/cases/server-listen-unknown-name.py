"""A host name that nobody knows: 'error' from getaddrinfo."""
from prelude import log, net

server = net.create_server()
server.on("error", lambda error: log("server", "error", error.syscall, error.hostname))
server.listen(0, "no-such-host.invalid")
