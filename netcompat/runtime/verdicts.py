"""Verdicts: which listeners are known to block, by their code.

A listener that made the reactor lose its turn is run by workers that nobody waits for, for else each of its calls would
cost the others half a millisecond. On a busy machine that happens to a quick one, too. So a verdict holds for a term;
then one strand has its listener tried among the quick ones. If that goes well the verdict is lifted, if not the next
term is twice as long. So a listener that blocks costs the others little, and a quick one is soon back.

Which threads run it: the reactor passes verdicts, every thread asks for them, workers hold trials.

Locks: none. Each step is one assignment, and two trials at a time do no harm.
"""
from __future__ import annotations

import weakref
from types import CodeType, FrameType
from typing import Any, Dict, Optional, Set

from .clock import monotonic

__all__ = ["LISTENER_CALLERS", "NEVER_BLOCK", "Verdict", "code_of", "known_to_block", "listener_on", "verdict_on",
           "where_is"]

FIRST_TERM, LONGEST_TERM = 0.05, 5.0        # seconds
RELAPSE = 8             # terms since the last verdict, within which the next one is twice as long
QUICK = 0.001           # seconds; a trial that took longer is lost

LISTENER_CALLERS: Set[CodeType] = set()     # what stands above these in a stack is a listener's code
NEVER_BLOCK: Set[CodeType] = set()          # our own methods that may be listeners: if one is slow, it is the machine


class Verdict:
    """On one code. It holds until the term is over or it is lifted."""

    __slots__ = ("until", "passed", "term", "__weakref__")

    def __init__(self) -> None:
        self.until = 0.0        # of the clock; 0: lifted
        self.passed = 0.0       # of the clock: when it was passed last
        self.term = 0.0         # seconds

    def pass_again(self) -> None:
        """A listener with this code blocked."""
        now = monotonic()
        relapse = now < self.passed + RELAPSE * self.term
        self.term = min(2 * self.term, LONGEST_TERM) if relapse else FIRST_TERM
        self.passed, self.until = now, now + self.term

    def lift(self) -> None:
        """A trial went well."""
        self.until = 0.0

    def grants_trial(self) -> bool:
        """Is the term over? Then whoever asks first has the trial; for the others it is another term meanwhile."""
        now = monotonic()
        if now < self.until:
            return False
        self.until = now + self.term
        return True


_verdicts: "weakref.WeakKeyDictionary[CodeType, Verdict]" = weakref.WeakKeyDictionary()


def verdict_on(code: CodeType) -> Verdict:
    """The verdict on `code`, which may have been lifted; a new one if there was none."""
    verdict = _verdicts.get(code)
    if verdict is None:
        verdict = _verdicts.setdefault(code, Verdict())
    return verdict


def known_to_block(code: CodeType) -> Optional[Verdict]:
    """The verdict that holds on `code`, if any does."""
    verdict = _verdicts.get(code) if _verdicts else None
    return verdict if verdict is not None and verdict.until else None


def forget_verdicts() -> None:
    _verdicts.clear()


# ---- whose code it is ----

def code_of(listener: Any) -> Optional[CodeType]:
    """The code that a listener runs; `None` if that cannot be told."""
    code = getattr(getattr(listener, "__func__", listener), "__code__", None)
    return code if isinstance(code, CodeType) else None


def listener_on(thread: Optional[int], frames: Dict[int, FrameType]) -> Optional[CodeType]:
    """The code of the listener that the thread with this number is in; `None` if it is in none."""
    frame = frames.get(thread or 0)
    code = None
    while frame is not None and frame.f_code not in LISTENER_CALLERS:
        code, frame = frame.f_code, frame.f_back
    return code if frame is not None else None


def where_is(thread: Optional[int], frames: Dict[int, FrameType]) -> str:
    """The listener that the thread is in, for people."""
    code = listener_on(thread, frames)
    if code is None:
        return "netcompat itself"
    return f"{getattr(code, 'co_qualname', code.co_name)} ({code.co_filename}:{code.co_firstlineno})"
