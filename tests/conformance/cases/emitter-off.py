"""off() of a once() listener, and of one that is not there."""
from prelude import log, net


def listener():
    log("socket", "called")


socket = net.Socket()
socket.once("test", listener)
socket.off("test", listener)
socket.off("test", listener)
socket.on("test", listener).on("test", listener)
socket.off("test", listener)
log("socket", "emit", socket.emit("test"))
