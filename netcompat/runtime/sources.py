"""Sources: what can be watched although it is no socket. On Windows, named pipes.

A source says itself whether it is ready. The selector asks those that were signalled, beside its sockets; for the
reactor, and for everything above it, there is no difference.

Which threads run it: the reactor's alone, except `signal`, which every thread may call.

Locks: none. Who makes a source ready does so *before* signalling it, and signals it before looking whether the reactor
sleeps; the selector forgets the signal *before* it asks the source. So one of the two sees the other.
"""
from __future__ import annotations

import selectors
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from .reactor import reactor

__all__ = ["Source", "SourceSelector", "signal"]

Ready = List[Tuple[selectors.SelectorKey, int]]


class Source:
    """Something that can be watched, by its identity. What becomes ready is followed by `signal(source)`."""

    __slots__ = ()

    def ready(self) -> int:
        """What is possible now: a selector's mask. On the reactor thread, outside every gate; it does not block."""
        raise NotImplementedError


_signalled: Set[Source] = set()     # what may be ready: the others need not be asked


def signal(source: Source) -> None:
    """`source` may have become ready: have the reactor ask it. From every thread."""
    _signalled.add(source)
    if reactor.asleep:
        reactor.nudge()


class SourceSelector(selectors.BaseSelector):
    """Watches sources itself, and everything else with another selector. Level-triggered."""

    def __init__(self, inner: selectors.BaseSelector) -> None:
        self._inner = inner
        self._keys: Dict[Source, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if not isinstance(fileobj, Source):
            return self._inner.register(fileobj, events, data)
        if fileobj in self._keys:
            raise KeyError(f"{fileobj!r} is already registered")
        return self._watch(fileobj, events, data)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if not isinstance(fileobj, Source):
            return self._inner.modify(fileobj, events, data)
        if fileobj not in self._keys:
            raise KeyError(f"{fileobj!r} is not registered")
        return self._watch(fileobj, events, data)

    def _watch(self, source: Any, events: int, data: Any) -> selectors.SelectorKey:
        key = self._keys[source] = selectors.SelectorKey(source, source, events, data)
        _signalled.add(source)          # it may have been ready for long
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        if not isinstance(fileobj, Source):
            return self._inner.unregister(fileobj)
        _signalled.discard(fileobj)
        return self._keys.pop(fileobj)

    def select(self, timeout: Optional[float] = None) -> Ready:
        sources = self._ready_sources() if _signalled else []
        if sources:
            return self._inner.select(0.0) + sources
        ready = self._inner.select(timeout)
        return ready + self._ready_sources() if _signalled else ready

    def _ready_sources(self) -> Ready:
        ready = []
        for source in list(_signalled):
            _signalled.discard(source)          # first this, then the question
            key = self._keys.get(source)
            mask = source.ready() & key.events if key is not None else 0
            if key is not None and mask:
                _signalled.add(source)          # until it says that it is not
                ready.append((key, mask))
        return ready

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        watched: Dict[Any, selectors.SelectorKey] = dict(self._inner.get_map() or {})
        watched.update(self._keys)
        return watched

    def close(self) -> None:
        self._inner.close()
        self._keys.clear()
