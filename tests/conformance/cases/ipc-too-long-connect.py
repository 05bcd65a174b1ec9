"""connect() to a path that is too long."""
from prelude import attempt, log, net, tmp, watch

client = watch("client", net.Socket())
client.remove_all_listeners("error")
client.on("error", lambda error: log("client", "error", error.code, error.syscall))
attempt("call", "connect", lambda: client.connect(tmp("x" * 200)))
