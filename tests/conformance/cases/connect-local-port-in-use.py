"""A local port that is in use."""
from prelude import call_port, net, watch

first = net.create_server()
first.listen(0, "127.0.0.1")
number = call_port(first.address().port, "taken")
client = watch("client", net.Socket())
client.on("close", lambda had_error: first.close())
client.connect(port=1, host="127.0.0.1", local_address="127.0.0.1", local_port=number)
