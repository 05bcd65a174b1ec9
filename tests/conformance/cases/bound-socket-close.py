"""close() of a BoundSocket frees its port."""
from prelude import net, watch

bound = net.BoundSocket(port=0, host="127.0.0.1")
port = bound.address().port
bound.close()
server = watch("server", net.create_server())
server.listen(port, "127.0.0.1", lambda: server.close())
