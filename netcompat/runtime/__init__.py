"""The engine: reactor, strands, workers, resolver, lifetime. It knows no socket and no stream.

Lock order, for the whole package. A thread may take a lock only while it holds none that stands below it here:

1. the gate of one emitter (`gate.py`); never two gates at once;
2. the reactor's lock, the resolver's lock.

The claim of a strand, the flags of reactor and keeper, and a worker's wakeup are locks that are used as flags: tried or
handed over, never waited for by who holds another lock. No lock is held while user code, a dispatch or a blocking
system call runs.
"""
from .lifetime import call_later, shutdown, stats

__all__ = ["call_later", "shutdown", "stats"]
