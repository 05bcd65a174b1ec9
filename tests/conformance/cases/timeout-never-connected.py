"""setTimeout() of a socket that never connected fires too."""
from prelude import later, net, watch

socket = watch("socket", net.Socket())
socket.set_timeout(30, lambda: socket.destroy())
later(60, lambda: None)
