"""'timeout' while connecting."""
from prelude import blackhole, net, props, watch

client = watch("client", net.Socket())


def idle():
    props("client", client, "connecting")
    client.destroy()


client.connect(blackhole(), "127.0.0.2")
client.set_timeout(40, idle)
