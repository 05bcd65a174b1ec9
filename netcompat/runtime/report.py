"""What netcompat has to say and to whom: the logger `netcompat`, and `threading.excepthook` for an exception that has
no caller, as for a thread that dies of it.

The environment's NETCOMPAT_DEBUG=1 prints the log, every transition of a stream included, to standard error.
"""
from __future__ import annotations

import logging
import os
import sys
import threading
from logging import DEBUG
from types import BuiltinFunctionType
from typing import Optional

__all__ = ["DEBUG", "log", "report"]

log = logging.getLogger("netcompat")
PRINTS_NOTES = sys.version_info >= (3, 11)      # the interpreter, with the traceback

if os.environ.get("NETCOMPAT_DEBUG", "") not in ("", "0"):
    _handler = logging.StreamHandler()
    _handler.setFormatter(logging.Formatter("%(asctime)s.%(msecs)03d %(levelname)s %(message)s", "%H:%M:%S"))
    log.addHandler(_handler)
    log.setLevel(DEBUG)


def report(problem: BaseException, unheard: Optional[object] = None) -> None:
    """Hand `problem` to `threading.excepthook`. Never raises.

    `unheard`: the emitter whose 'error' it is and that nobody listens to; its name stands in place of the thread's.
    """
    thread = threading.current_thread()
    if unheard is not None:
        thread = threading.Thread(name=f"{thread.name}, unhandled 'error' of {unheard!r}")
    hook = threading.excepthook
    try:
        hook(threading.ExceptHookArgs((type(problem), problem, problem.__traceback__, thread)))
        if not PRINTS_NOTES and isinstance(hook, BuiltinFunctionType) and sys.stderr is not None:
            for line in getattr(problem, "__notes__", ()):
                print(line, file=sys.stderr)
    except BaseException:       # a hook of the program's own that fails: the interpreter's last resort
        sys.__excepthook__(*sys.exc_info())     # pyright: ignore[reportArgumentType]
