"""close() of a server that is not open: the callback gets ERR_SERVER_NOT_RUNNING."""
from prelude import attempt, cb, net, watch

server = watch("server", net.create_server())
attempt("call", "close", lambda: server.close(cb("server", "closed")))
