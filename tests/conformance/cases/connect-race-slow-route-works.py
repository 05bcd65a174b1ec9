"""The first address is slow but works, the second refuses."""
import os

from prelude import blackhole, net, tmp, watch

number = blackhole()
client = watch("client", net.Socket(), "connectionAttempt connectionAttemptFailed connectionAttemptTimeout")
client.on("connect", lambda: client.destroy())
client.on("connectionAttemptTimeout", lambda *args: os.mkdir(tmp("open")))
client.connect(port=number, host="a.test", auto_select_family_attempt_timeout=50,
               lookup=lambda host, **options: [("127.0.0.2", 4), ("127.0.0.1", 4)])
