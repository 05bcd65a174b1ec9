"""on(), once(), prependListener(): the order of calls."""
from prelude import log, net

socket = net.Socket()
socket.on("test", lambda: log("socket", "two"))
socket.prepend_listener("test", lambda: log("socket", "one"))
socket.once("test", lambda: log("socket", "three, once"))
socket.prepend_once_listener("test", lambda: log("socket", "zero, once"))
log("socket", "emit", socket.emit("test"), socket.emit("test"), socket.emit("nobody"))
