"""A program that makes a socket and does nothing with it ends."""
from prelude import log, net

net.Socket()
net.create_server()
log("program", "end")
