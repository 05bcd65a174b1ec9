"""The argument of 'close' when the socket never had a connection."""
from prelude import log, net

socket = net.Socket()
socket.on("close", lambda *args: log("socket", "close", len(args), type(args[0]).__name__))
socket.destroy()
