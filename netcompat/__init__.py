"""netcompat: Node's `net` module for Python programs that use threads.

Event-driven TCP, Unix-domain sockets and Windows named pipes: one reactor thread, a pool of workers that run the
listeners, and `write` from every thread. No `async`, no event loop to own, no dependency.

    import netcompat

    def on_connection(socket):
        socket.on('data', socket.write)

    netcompat.create_server(on_connection).listen(8124)
"""
from .abort import AbortController, AbortSignal
from .addresses import AddressInfo, DropInfo, SocketAddress, is_ip, is_ipv4, is_ipv6
from .blocklist import BlockList
from .connecting import (get_default_auto_select_family, get_default_auto_select_family_attempt_timeout,
                         set_default_auto_select_family, set_default_auto_select_family_attempt_timeout)
from .emitter import EventEmitter
from .errors import AbortError, AggregateError
from .event_queue import EventQueue
from .runtime import shutdown, stats
from .runtime.strand import set_default_dispatch
from .server import Server, create_server
from .socket import OnRead, Socket, connect, create_connection
from .stdlib_view import request_handler
from .stream import get_default_high_water_mark, set_default_high_water_mark
from .transports.bound import BoundSocket
from .worker_pool import WorkerPool, set_default_workers

__version__ = "0.1.0"

__all__ = [
    "AbortController", "AbortError", "AbortSignal", "AddressInfo", "AggregateError", "BlockList", "BoundSocket",
    "DropInfo", "EventEmitter", "EventQueue", "OnRead", "Server", "Socket", "SocketAddress", "WorkerPool",
    "__version__", "connect", "create_connection", "create_server", "get_default_auto_select_family",
    "get_default_auto_select_family_attempt_timeout", "get_default_high_water_mark", "is_ip", "is_ipv4", "is_ipv6",
    "request_handler", "set_default_auto_select_family", "set_default_auto_select_family_attempt_timeout",
    "set_default_dispatch", "set_default_high_water_mark", "set_default_workers", "shutdown", "stats",
]
