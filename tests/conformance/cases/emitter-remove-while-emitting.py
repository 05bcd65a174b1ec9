"""Listeners that are removed or added while an event is emitted."""
from prelude import log, net

socket = net.Socket()


def first():
    socket.off("test", second)
    socket.on("test", lambda: log("socket", "added"))


def second():
    log("socket", "second")


socket.on("test", first)
socket.on("test", second)
socket.emit("test")
log("socket", "again")
socket.emit("test")
