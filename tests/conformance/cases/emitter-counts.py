"""listeners(), listenerCount(), eventNames(), removeAllListeners()."""
from prelude import log, net


def listener():
    pass


server = net.create_server()
server.on("x", listener).on("x", listener).once("y", listener)
log("server", "count", server.listener_count("x"), server.listener_count("y"), server.listener_count("z"))
log("server", "names", server.event_names())
log("server", "listeners", len(server.listeners("x")), server.listeners("y")[0] is listener)
server.off("x", listener)
log("server", "count", server.listener_count("x"))
server.remove_all_listeners("x")
log("server", "names", server.event_names())
server.remove_all_listeners()
log("server", "names", server.event_names(), server.get_max_listeners())
server.set_max_listeners(3)
log("server", "max", server.get_max_listeners())
