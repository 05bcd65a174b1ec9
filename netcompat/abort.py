"""`AbortController` and `AbortSignal`: one thread tells any number of operations to stop.

A signal aborts once. Whoever puts the reason into `_outcome` first (one atomic step, so that no lock is held and signal
handlers may abort) has aborted it, and runs the listeners in its own thread.

Signals made by `any` and `timeout` follow *roots*: controllers' signals, or the hidden signal of a timer. A root knows
its followers weakly, so a follower that nobody uses is forgotten although its roots live on; while it has 'abort'
listeners, its roots hold it, since it still has something to do. Followers of followers follow the same roots.
"""
from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple

from .emitter import EventEmitter
from .errors import AbortError, invalid_type, out_of_range
from .runtime import call_later
from .runtime.report import report

if TYPE_CHECKING:
    from .events import SignalListening

__all__ = ["AbortController", "AbortSignal"]


class AbortSignal(EventEmitter):
    """Tells whether an operation shall stop, and why. Made by `AbortController`, `abort`, `timeout` and `any`.

    Event `'abort'`(signal), once, in the thread that aborts; for a `timeout` on the worker pool. A listener that raises
    is reported through `threading.excepthook`, and the others run. A listener added to an aborted signal is not called,
    as in Node; `wait_for('abort')` then returns at once. Node: `AbortSignal`.
    """

    __slots__ = ("_outcome", "_roots", "_followers", "_held", "_timer")

    if TYPE_CHECKING:       # the same methods, event by event
        on: SignalListening                         # type: ignore[assignment]
        once: SignalListening                       # type: ignore[assignment]
        add_listener: SignalListening               # type: ignore[assignment]
        prepend_listener: SignalListening           # type: ignore[assignment]
        prepend_once_listener: SignalListening      # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._max_listeners = 0
        self._outcome: Dict[str, List[object]] = {}     # empty, or the reason, in a list of its own
        self._roots: Tuple[AbortSignal, ...] = ()       # what this signal follows
        self._followers: Dict[weakref.ref[AbortSignal], None] = {}
        self._held: Dict[AbortSignal, None] = {}        # followers that have listeners
        self._timer: Any = None                         # a timer's root: what to cancel when nobody follows it

    @property
    def aborted(self) -> bool:
        """Whether it was aborted. Node: `signal.aborted`."""
        return bool(self._outcome)

    @property
    def reason(self) -> Any:
        """Why it was aborted; `None` until then. Node: `signal.reason`."""
        outcome = self._outcome.get("reason")
        return None if outcome is None else outcome[0]

    def throw_if_aborted(self) -> None:
        """Raise the reason if it was aborted; an `AbortError` with it as `cause` if it is no exception.

        Node: `signal.throwIfAborted`.
        """
        if self.aborted:
            reason = self.reason
            raise reason if isinstance(reason, BaseException) else AbortError(cause=reason)

    @staticmethod
    def abort(reason: Any = None) -> AbortSignal:
        """A signal that is aborted already, by default with an `AbortError`. Node: `AbortSignal.abort`."""
        signal = AbortSignal()
        signal._abort(reason)
        return signal

    @staticmethod
    def timeout(msecs: int) -> AbortSignal:
        """A signal that aborts by itself after `msecs` milliseconds; its reason is a `TimeoutError`.

        It does not keep the process alive. Raises `ERR_INVALID_ARG_TYPE`, and `ERR_OUT_OF_RANGE` outside 0 to
        4294967295. Node: `AbortSignal.timeout`.
        """
        if not isinstance(msecs, int) or isinstance(msecs, bool):
            raise invalid_type("msecs", "int", msecs)
        if not 0 <= msecs <= 0xFFFFFFFF:
            raise out_of_range("msecs", ">= 0 and <= 4294967295", msecs)
        clock, signal = AbortSignal(), AbortSignal()
        signal._follow((clock,))
        clock._timer = call_later(msecs / 1000, clock._ring)
        return signal

    @staticmethod
    def any(signals: Iterable[AbortSignal]) -> AbortSignal:
        """A signal that aborts as soon as one of `signals` does, with the same reason.

        Raises `ERR_INVALID_ARG_TYPE` if one is no `AbortSignal`. Node: `AbortSignal.any`.
        """
        try:
            given = list(signals)
        except TypeError:
            raise invalid_type("signals", "an iterable of AbortSignal", signals) from None
        for one in given:
            if not isinstance(one, AbortSignal):
                raise invalid_type("signals", "an iterable of AbortSignal", one)
        for one in given:
            if one.aborted:
                return AbortSignal.abort(one.reason)
        signal = AbortSignal()
        signal._follow(tuple(dict.fromkeys(root for one in given for root in one._roots or (one,))))
        return signal

    def __repr__(self) -> str:
        return f"<AbortSignal aborted={self.aborted}>"

    # ---- aborting ----

    def _abort(self, reason: Any) -> None:
        """Abort this signal and its followers, unless that was done. First all of them, then their listeners."""
        if reason is None:
            reason = AbortError("This operation was aborted")
        if not self._settle(reason):
            return
        settled: List[AbortSignal] = [self]
        for reference in list(self._followers):
            follower = reference()
            if follower is not None and follower._settle(reason):
                settled.append(follower)
        self._followers.clear()
        self._held.clear()
        for signal in settled:
            signal._announce()

    def _ring(self) -> None:
        self._abort(TimeoutError("The operation was aborted due to timeout"))

    def _settle(self, reason: object) -> bool:
        """Put the reason in place; `False` if another call was first."""
        mine = [reason]
        if self._outcome.setdefault("reason", mine) is not mine:
            return False
        self._let_go()
        self._roots = ()
        return True

    def _announce(self) -> None:
        self._enter(self._wake_waiters, "abort", (self,))
        for entry in self._listeners.get("abort", ()):
            listener = self._listener_now("abort", entry)
            if listener is None:
                continue
            try:
                listener(self)
            except Exception as problem:
                report(problem, self)

    def _reached(self, event: str) -> Optional[Tuple[Any, ...]]:
        return (self,) if event == "abort" and self.aborted else None

    # ---- following ----

    def _follow(self, roots: Tuple[AbortSignal, ...]) -> None:
        """Abort when one of `roots` does."""
        self._roots = roots
        me: Any = self
        for root in roots:
            root._followers[weakref.ref(me, _Forget(root))] = None
        for root in roots:
            if root.aborted:        # perhaps before it knew of this follower
                self._abort(root.reason)

    def _inserted(self, event: str, entry: Any) -> None:
        if event == "abort" and not self.aborted:
            roots = self._roots
            for root in roots:
                root._held[self] = None
            if self.aborted:        # aborted meanwhile
                self._let_go(roots)

    def _removed(self, event: str) -> None:
        if event == "abort" and "abort" not in self._listeners:
            self._let_go()

    def _let_go(self, roots: Optional[Tuple[AbortSignal, ...]] = None) -> None:
        for root in self._roots if roots is None else roots:
            root._held.pop(self, None)


class _Forget:
    """Called when a follower was collected: its root forgets it, and a timer without followers stops."""

    __slots__ = ("_root",)

    def __init__(self, root: AbortSignal) -> None:
        self._root = weakref.ref(root)

    def __call__(self, reference: weakref.ref[AbortSignal]) -> None:
        root = self._root()
        if root is not None:
            root._followers.pop(reference, None)
            if not root._followers and root._timer is not None:
                root._timer.cancel()


class AbortController:
    """Has a signal and aborts it. Node: `AbortController`."""

    __slots__ = ("_signal", "__weakref__")

    def __init__(self) -> None:
        self._signal = AbortSignal()

    @property
    def signal(self) -> AbortSignal:
        """The signal to give to operations. Node: `controller.signal`."""
        return self._signal

    def abort(self, reason: Any = None) -> None:
        """Abort the signal, by default with an `AbortError`; its listeners run before this returns.

        Only the first call counts, from whichever thread. Node: `controller.abort`.
        """
        self._signal._abort(reason)

    def __repr__(self) -> str:
        return f"<AbortController aborted={self._signal.aborted}>"
