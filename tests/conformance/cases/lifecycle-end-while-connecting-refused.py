"""end() while connecting, and the connection is refused: its callback hears why, and there is no 'finish'."""
from prelude import cb, net, props, watch

client = watch("client", net.connect(1, "127.0.0.1"))
client.end(cb("client", "ended"))
client.on("close", lambda had_error: props("client", client, "writable_ended writable_finished destroyed"))
