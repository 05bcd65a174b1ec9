"""connect() to a path that is not there: ENOENT."""
from prelude import log, net, tmp, watch

client = watch("client", net.Socket(), "connectionAttempt connectionAttemptFailed")
client.on("error", lambda error: log("client", "details", error.code, error.syscall, error.address, error.port))
client.connect(tmp("missing.sock"))
