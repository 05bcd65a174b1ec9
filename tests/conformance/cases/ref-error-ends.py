"""A refused connection does not keep the program alive."""
from prelude import log, net

client = net.connect(1, "127.0.0.1")
client.on("error", lambda error: log("client", "error", error))
