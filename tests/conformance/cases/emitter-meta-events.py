"""'newListener' and 'removeListener'."""
from prelude import log, net

socket = net.Socket()
socket.on("newListener", lambda event, listener: log("socket", "new", event, socket.listener_count(event)))
socket.on("removeListener", lambda event, listener: log("socket", "removed", event, socket.listener_count(event)))


def listener():
    pass


socket.on("x", listener)
socket.once("test", listener)
socket.off("x", listener)
socket.emit("test")
