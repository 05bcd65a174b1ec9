"""The callback of connect() hears of success only."""
from prelude import cb, net, watch

client = watch("client", net.connect(1, "127.0.0.1", cb("client", "callback")))
