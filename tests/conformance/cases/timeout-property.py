"""The property timeout."""
from prelude import net, props

socket = net.Socket()
props("socket", socket, "timeout")
socket.set_timeout(1000)
props("socket", socket, "timeout")
socket.set_timeout(0)
props("socket", socket, "timeout")
socket.destroy()
