"""Verdicts on listeners that block: how long they hold, who tries again, what lifts them."""
import itertools
import threading
from types import CodeType
from typing import Any

import pytest

from netcompat.runtime import verdicts
from netcompat.runtime.strand import Strand
from netcompat.runtime.verdicts import FIRST_TERM, LONGEST_TERM, QUICK, Verdict


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(verdicts, "monotonic", made)
    return made


numbers = itertools.count()


def some_code() -> CodeType:
    """Equal to no other: code objects are compared by what is in them."""
    scope: Any = {}
    exec(f"def listener(): return {next(numbers)}", scope)
    code: CodeType = scope["listener"].__code__
    return code


def test_it_holds_for_a_term(clock: Clock) -> None:
    verdict = Verdict()
    verdict.pass_again()
    clock.now += FIRST_TERM * 0.9
    assert not verdict.grants_trial()
    clock.now += FIRST_TERM * 0.2
    assert verdict.grants_trial()


def test_one_has_the_trial_and_for_the_others_it_goes_on(clock: Clock) -> None:
    verdict = Verdict()
    verdict.pass_again()
    clock.now += FIRST_TERM
    assert [verdict.grants_trial() for _ in range(3)] == [True, False, False]
    clock.now += FIRST_TERM
    assert verdict.grants_trial()


def test_each_relapse_doubles_the_term_up_to_a_limit(clock: Clock) -> None:
    verdict = Verdict()
    terms = []
    for _ in range(12):
        verdict.pass_again()
        terms.append(verdict.term)
        clock.now += verdict.term
    assert terms[:4] == [FIRST_TERM, 2 * FIRST_TERM, 4 * FIRST_TERM, 8 * FIRST_TERM]
    assert terms[-1] == LONGEST_TERM


def test_after_long_good_conduct_it_begins_with_the_first_term(clock: Clock) -> None:
    verdict = Verdict()
    for _ in range(5):
        verdict.pass_again()
    verdict.lift()
    clock.now += 1000 * LONGEST_TERM
    verdict.pass_again()
    assert verdict.term == FIRST_TERM


def test_who_blocks_soon_after_it_was_lifted_is_a_relapse(clock: Clock) -> None:
    verdict = Verdict()
    verdict.pass_again()
    verdict.lift()
    clock.now += FIRST_TERM
    verdict.pass_again()
    assert verdict.term == 2 * FIRST_TERM


def test_a_lifted_verdict_is_none() -> None:
    code = some_code()
    assert verdicts.known_to_block(code) is None
    verdict = verdicts.verdict_on(code)
    assert verdicts.known_to_block(code) is None
    verdict.pass_again()
    assert verdicts.known_to_block(code) is verdict is verdicts.verdict_on(code)
    verdict.lift()
    assert verdicts.known_to_block(code) is None


# ---- as a strand sees it ----

def strand_of(code: CodeType) -> Strand:
    strand = Strand(threading.RLock())
    strand.codes = (code,)
    return strand


def test_a_trial_that_was_quick_lifts_it_for_all(clock: Clock) -> None:
    code = some_code()
    verdict = verdicts.verdict_on(code)
    verdict.pass_again()
    one, other = strand_of(code), strand_of(code)
    assert one.will_block() and other.will_block()
    clock.now += FIRST_TERM
    one._look_at_verdicts()
    other._look_at_verdicts()
    assert (one.blocking, other.blocking) == (False, True)
    one._end_trial(verdict, QUICK / 2)
    other._look_at_verdicts()
    assert (one.blocking, other.blocking) == (False, False)
    assert one._verdict is None and other._verdict is None


def test_a_trial_that_was_slow_is_lost(clock: Clock) -> None:
    code = some_code()
    verdict = verdicts.verdict_on(code)
    verdict.pass_again()
    strand = strand_of(code)
    assert strand.will_block()
    clock.now += FIRST_TERM
    strand._look_at_verdicts()
    strand._end_trial(verdict, QUICK * 2)
    assert strand.blocking and verdict.term == 2 * FIRST_TERM
