"""connect() to a path that is a plain file."""
from prelude import log, net, tmp, watch

with open(tmp("plain"), "w") as file:
    file.write("no socket")
client = watch("client", net.connect(tmp("plain")))
client.on("error", lambda error: log("client", "details", error.code, error.syscall, error.address, error.port))
