"""emit('error') without a listener throws."""
from prelude import attempt, log, net

server = net.create_server()
attempt("server", "emit", lambda: server.emit("error", RuntimeError("boom")))
server.on("error", lambda error: log("server", "error", error))
attempt("server", "emit", lambda: server.emit("error", RuntimeError("boom")))
