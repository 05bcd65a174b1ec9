"""ref() after unref() keeps the program alive."""
import threading

from prelude import net, watch

server = watch("server", net.create_server())
server.unref()
server.listen(0, "127.0.0.1")
server.ref()
timer = threading.Timer(0.06, server.close)
timer.daemon = True
timer.start()
