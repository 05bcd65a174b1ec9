"""lookup that cannot be called is an argument error."""
from prelude import attempt, net, watch

client = watch("client", net.Socket())
attempt("call", "connect", lambda: client.connect(port=1, host="a.test", lookup="x"))
