"""A signal that is aborted already closes the server at once."""
from prelude import net, watch

server = watch("server", net.create_server())
server.listen(port=0, host="127.0.0.1", signal=net.AbortSignal.abort())
