"""Why a conversation of tools/soak.py did not end: where each of its bytes is, and who ought to move them.

`of_socket` looks at one connection from the top to the bottom: what the stream holds, what its strand is at, what the
selector watches, what the kernel has queued. `of_engine` looks at the reactor, the workers and what waits for them.

This reads the package's own state without its locks: it is for a run that has failed.
"""
from __future__ import annotations

import os
import struct
import sys
import threading
import traceback
from typing import Any, Dict, List

import netcompat
from netcompat.runtime import workers
from netcompat.runtime.reactor import EDGE, READ, WRITE, reactor

STACK = 6           # calls of each thread that are shown


def of_socket(sock: Any) -> str:
    """One line for each layer."""
    stream = "link {}, output {}, input {}; {} bytes queued, {} buffered; flowing {}, corks {}, drain owed {}".format(
        sock._link, sock._output, sock._input, sock._queued, sock._buffered, sock._flowing, sock._corked,
        sock._need_drain)
    lines = [stream, "strand: " + _of_strand(sock._strand)]
    if sock._intake is not sock._strand:
        lines.append("intake: " + _of_strand(sock._intake))
    lines.append("wants {}, asked for {}, to be looked at {}; no room {}, readers {}".format(
        _mask(sock._wanted()), _mask(sock._interest), sock._sync_asked, sock._full, sock._readers))
    transport = sock._transport
    if transport is not None and transport.fileno() >= 0:
        lines.append("descriptor {}: {}; {}".format(transport.fileno(), _of_selector(transport.fileno()),
                                                    _of_kernel(transport.fileno())))
    else:
        lines.append("no descriptor")
    return "\n    ".join(lines)


def _of_strand(strand: Any) -> str:
    queued = [workers.default_pool().queue, workers.default_pool().blocking_queue]
    where = ["in the run queue"] if strand in list(queued[0]) else []
    where += ["in the queue of what blocks"] if strand in list(queued[1]) else []
    return "{}, {} items, readable {}, held {}, known to block {}, run by thread {}{}".format(
        "claimed" if strand.busy() else "free", strand.waiting(), strand._readable, strand._held, strand.blocking,
        strand.runner, "".join(", " + each for each in where))


def _of_selector(number: int) -> str:
    selector = reactor._selector
    key = selector.get_map().get(number) if selector is not None else None
    if key is None:
        return "not in the selector"
    return "in the selector for {}{}".format(_mask(key.events), ", by edges" if number in reactor._edges else "")


def _of_kernel(number: int) -> str:
    """Bytes that wait to be received, and bytes that the peer has not taken: SIOCINQ and SIOCOUTQ."""
    try:
        import fcntl
        import termios
        waiting, unsent = (struct.unpack("i", fcntl.ioctl(number, request, b"\0" * 4))[0]
                           for request in (termios.FIONREAD, termios.TIOCOUTQ))
    except (ImportError, OSError) as problem:
        return "the kernel does not say: {}".format(problem)
    return "the kernel has {} bytes to receive, {} on their way to the peer".format(waiting, unsent)


def _mask(mask: int) -> str:
    return "+".join(name for bit, name in ((READ, "read"), (WRITE, "write"), (EDGE, "edge")) if mask & bit) or "nothing"


def of_engine() -> str:
    pool = workers.default_pool()
    lines = ["load {}".format(os.getloadavg()) if hasattr(os, "getloadavg") else "",
             "stats {}".format(netcompat.stats()),
             "reactor: asleep {}, {} calls to make, next timer {}, {} timers".format(
                 reactor._asleep, len(reactor._calls), reactor.due, len(reactor._timers)),
             "pool: {} in the run queue, {} that block; {} workers, {} idle, {} wait, {} at what blocks, saturated {}"
             .format(len(pool.queue), len(pool.blocking_queue), len(pool._workers), len(pool._idle),
                     len(pool._waiting), len(pool._blocked), pool._saturated)]
    return "\n  ".join(lines + _stacks())


def _stacks() -> List[str]:
    """What each thread is in; those in the same place together."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    places: Dict[str, List[str]] = {}
    for ident, frame in sys._current_frames().items():
        calls = ["{}:{} {}".format(os.path.basename(call.filename), call.lineno, call.name)
                 for call in traceback.extract_stack(frame)[-STACK:]]
        places.setdefault(" > ".join(calls), []).append(names.get(ident, str(ident)))
    return ["{}: {}".format(", ".join(sorted(who)), where) for where, who in places.items()]
