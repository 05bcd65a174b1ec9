"""resetAndDestroy() without a connection: ERR_SOCKET_CLOSED."""
from prelude import net, watch

socket = watch("socket", net.Socket())
socket.reset_and_destroy()
