"""Every address refuses: the AggregateError names them all."""
from prelude import net, props, watch

client = watch("client", net.Socket(), "connectionAttempt connectionAttemptFailed connectionAttemptTimeout")
client.on("close", lambda had_error: props("client", client, "auto_select_family_attempted_addresses"))
client.connect(port=1, host="a.test", lookup=lambda host, **options: [("::1", 6), ("127.0.0.1", 4)])
