"""The engine: reactor, strands, workers, resolver, lifetime. It knows no socket and no stream.

Lock order, for the whole package. A thread may take a lock only while it holds none that stands below it here:

1. the gate of one object (`gate.py`, which says how two never wait for each other);
2. the resolver's lock, which the reactor and the resolver's own threads take.

The reactor and the worker pools have none: a finalizer may strike anywhere and call a method that waits for a gate, so
nothing may be held there that who is inside a gate needs. The flags of reactor, bell and keeper, and a worker's wakeup,
are locks that are used as flags: tried or handed over, never waited for by who holds another lock. The claim of a
strand is a list with one thing in it. No lock is held while user code, a dispatch or a blocking system call runs.
"""
from .lifetime import call_later, shutdown, stats

__all__ = ["call_later", "shutdown", "stats"]
