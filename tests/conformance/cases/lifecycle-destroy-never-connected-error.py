"""destroy(error) of a socket that never connected: 'error' and 'close'."""
from prelude import net, watch

socket = watch("socket", net.Socket())
socket.destroy(RuntimeError("boom"))
