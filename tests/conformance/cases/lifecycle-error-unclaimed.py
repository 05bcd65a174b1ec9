"""A system error that no listener claims."""
from prelude import cb, log, net

log("program", "started")
client = net.connect(1, "127.0.0.1")
client.on("close", cb("client", "close"))
