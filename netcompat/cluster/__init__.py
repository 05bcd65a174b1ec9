"""Servers in more than one process: `Cluster` starts worker processes and lets them share their servers.

In a worker, `listen` asks the primary: equal addresses are one listening socket, and its connections go to all workers.

    import netcompat
    from netcompat.cluster import Cluster

    def serve():
        netcompat.create_server(lambda socket: socket.pipe(socket)).listen(8124)

    if __name__ == "__main__":
        with Cluster(serve, workers=4) as cluster:
            cluster.handle_signals().wait()

And for a process that has a handle and a connection to another process: `send_handle`, `recv_handle`, `share`.

`is_primary`, `is_worker` and `worker` (this process, `None` in the primary) say where the program is. They are looked
up when asked for: write `cluster.is_worker`, in a function, rather than to import the name.
"""
from typing import TYPE_CHECKING, Any, Optional

from . import workplace as _workplace
from .member import Worker
from .passing import SharedHandle, recv_handle, send_handle, share
from .primary import Cluster

__all__ = ["Cluster", "SharedHandle", "Worker", "is_primary", "is_worker", "recv_handle", "send_handle", "share",
           "worker"]

if TYPE_CHECKING:
    is_primary: bool
    is_worker: bool
    worker: Optional[Worker]


def __getattr__(name: str) -> Any:
    if name == "worker":
        return _workplace.current
    if name == "is_worker":
        return _workplace.current is not None
    if name == "is_primary":
        return _workplace.current is None
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
