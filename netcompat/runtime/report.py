"""Where an exception goes that has no caller: `threading.excepthook`, as for a thread that dies of it."""
from __future__ import annotations

import logging
import sys
import threading
from typing import Optional

__all__ = ["log", "report"]

log = logging.getLogger("netcompat")


def report(problem: BaseException, unheard: Optional[object] = None) -> None:
    """Hand `problem` to `threading.excepthook`. Never raises.

    `unheard`: the emitter whose 'error' it is and that nobody listens to; its name stands in place of the thread's.
    """
    thread = threading.current_thread()
    if unheard is not None:
        thread = threading.Thread(name=f"{thread.name}, unhandled 'error' of {unheard!r}")
    try:
        threading.excepthook(threading.ExceptHookArgs((type(problem), problem, problem.__traceback__, thread)))
    except BaseException:       # a hook of the program's own that fails: the interpreter's last resort
        sys.__excepthook__(*sys.exc_info())
