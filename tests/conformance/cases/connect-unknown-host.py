"""A name that nobody knows: getaddrinfo, and its host name."""
from prelude import cb, log, net

client = net.Socket()
client.on("error", lambda error: log("client", "error", error.syscall, error.hostname))
client.on("close", cb("client", "close"))
client.connect(1, "no-such-host.invalid")
