"""A signal closes the server."""
from prelude import net, watch

controller = net.AbortController()
server = watch("server", net.create_server())
server.on("listening", lambda: controller.abort())
server.listen(port=0, host="127.0.0.1", signal=controller.signal)
