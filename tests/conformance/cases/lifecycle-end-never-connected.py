"""end() on a socket that never connected."""
from prelude import cb, later, net, props, until, watch

socket = watch("socket", net.Socket())
socket.end(cb("socket", "ended"))


@until(lambda: socket.writable_finished)
def finished():
    later(50, lambda: props("socket", socket, "destroyed writable_ended writable_finished ready_state"))
