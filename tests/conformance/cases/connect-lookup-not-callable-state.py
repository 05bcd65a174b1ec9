"""What a refused connect() leaves behind."""
from prelude import attempt, net, props

client = net.Socket()
attempt("client", "connect", lambda: client.connect(port=1, host="a.test", lookup="x"))
props("client", client, "connecting destroyed ready_state")
