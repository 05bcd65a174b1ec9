"""IPC paths, whatever this system has for them: Unix-domain sockets or named pipes. The rooms above ask here.

Both offer the same: `bind_path(path, mode)` takes a path and returns what a bound socket is (with `listen`, `fileno`,
`detach` and `close`) and what has to be unlinked later; `connect_path(path, bound)` returns a transport; for an error
for which `is_busy` holds the caller tries again in a moment.
"""
from __future__ import annotations

import socket
import sys
from typing import Any, Optional, Union

from .base import Listener
from .unix import OwnPath, UnixListener

if sys.platform == "win32":
    from .named_pipe import BoundPipe, NamedPipeListener, bind_path, connect_path, is_busy
else:
    from .unix import bind_path, connect_path, is_busy

__all__ = ["bind_path", "connect_path", "is_busy", "path_listener"]


def path_listener(bound: Any, path: Union[str, bytes, None], own: Optional[OwnPath],
                  shared: bool) -> Optional[Listener]:
    """The listener on a bound path that listens; `None` if it is something else. `path` `None`: the system knows it."""
    if sys.platform == "win32":
        return NamedPipeListener(bound) if isinstance(bound, BoundPipe) else None
    if bound.family != getattr(socket, "AF_UNIX", None):
        return None
    return UnixListener(bound, bound.getsockname() if path is None else path, own, shared)
