"""listen() on a path that is too long."""
from prelude import attempt, log, net, tmp, watch

server = watch("server", net.create_server())
server.remove_all_listeners("error")
server.on("error", lambda error: log("server", "error", error.code, error.syscall))
attempt("call", "listen", lambda: server.listen(tmp("x" * 200)))
