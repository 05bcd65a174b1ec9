"""`AbortController` and `AbortSignal`: once, in which thread, with which reason, and who keeps whom alive."""
import gc
import threading
import weakref

import pytest

from netcompat import abort as abort_module
from netcompat.abort import AbortController, AbortSignal
from netcompat.errors import AbortError


@pytest.fixture
def controller():
    return AbortController()


class Calls(list):
    """A listener that remembers what it was called with."""

    def __call__(self, *arguments):
        self.append(arguments)


# --- aborting -------------------------------------------------------------------------------------------------------

def test_a_new_signal_is_not_aborted(controller):
    assert controller.signal is controller.signal
    assert controller.signal.aborted is False and controller.signal.reason is None
    controller.signal.throw_if_aborted()


def test_a_listener_gets_the_signal_in_the_thread_that_aborts(controller):
    calls = []
    controller.signal.on("abort", lambda *arguments: calls.append((arguments, threading.get_ident())))
    thread = threading.Thread(target=controller.abort)
    thread.start()
    thread.join()
    assert calls == [((controller.signal,), thread.ident)]


def test_the_reason_is_there_when_the_listener_runs(controller):
    seen = []
    controller.signal.once("abort", lambda signal: seen.append((signal.aborted, signal.reason)))
    controller.abort("enough")
    assert seen == [(True, "enough")]


def test_without_a_reason_it_is_an_abort_error(controller):
    controller.abort()
    assert isinstance(controller.signal.reason, AbortError)
    assert controller.signal.reason.code == "ABORT_ERR"
    with pytest.raises(AbortError) as caught:
        controller.signal.throw_if_aborted()
    assert caught.value is controller.signal.reason


def test_throw_if_aborted_raises_a_reason_that_is_an_exception(controller):
    controller.abort(KeyError("why"))
    with pytest.raises(KeyError):
        controller.signal.throw_if_aborted()


@pytest.mark.parametrize("reason", ["text", 0, False])
def test_throw_if_aborted_wraps_a_reason_that_is_no_exception(controller, reason):
    controller.abort(reason)
    with pytest.raises(AbortError) as caught:
        controller.signal.throw_if_aborted()
    assert caught.value.cause is reason


def test_only_the_first_abort_counts(controller):
    calls = Calls()
    controller.signal.on("abort", calls)
    controller.abort("first")
    controller.abort("second")
    assert controller.signal.reason == "first" and len(calls) == 1


def test_an_abort_in_the_listener_changes_nothing(controller):
    calls = Calls()
    controller.signal.on("abort", lambda signal: controller.abort("again"))
    controller.signal.on("abort", calls)
    controller.abort("first")
    assert controller.signal.reason == "first" and len(calls) == 1


def test_of_many_threads_one_aborts(fast_switching):
    for _ in range(50):
        controller, calls, barrier = AbortController(), Calls(), threading.Barrier(6)
        controller.signal.on("abort", lambda signal: calls(signal.reason))

        def race(number):
            barrier.wait()
            controller.abort(number)
            assert controller.signal.aborted
        threads = [threading.Thread(target=race, args=(number,)) for number in range(1, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert calls == [(controller.signal.reason,)]


def test_a_listener_that_raises_is_reported_and_the_others_run(controller, reported):
    calls = Calls()

    def fails(signal):
        raise KeyError("listener")
    controller.signal.on("abort", fails).on("abort", calls)
    controller.abort()
    assert len(calls) == 1
    assert reported.take(KeyError).exc_value.args == ("listener",)


def test_a_listener_that_was_taken_off_is_not_called(controller):
    calls = Calls()
    controller.signal.on("abort", calls).off("abort", calls)
    controller.abort()
    assert calls == []


def test_many_listeners_are_no_leak(controller, recwarn):
    for _ in range(50):
        controller.signal.on("abort", Calls())
    assert [warning.category for warning in recwarn] == []


def test_a_signal_that_is_aborted_already(controller):
    signal = AbortSignal.abort("before")
    assert (signal.aborted, signal.reason) == (True, "before")
    assert isinstance(AbortSignal.abort().reason, AbortError)


def test_wait_for_returns_when_another_thread_aborts(controller):
    thread = threading.Thread(target=controller.abort)
    thread.start()
    assert controller.signal.wait_for("abort", 10) == (controller.signal,)
    thread.join()


def test_wait_for_returns_at_once_when_it_is_aborted_already(controller):
    controller.abort()
    assert controller.signal.wait_for("abort", 0) == (controller.signal,)


# --- timeout --------------------------------------------------------------------------------------------------------

class Clock:
    """Stands in the place of `call_later`: nothing happens until `ring`."""

    def __init__(self):
        self.pending = []

    def __call__(self, seconds, call):
        timer = Timer(self, seconds, call)
        self.pending.append(timer)
        return timer


class Timer:
    def __init__(self, clock, seconds, call):
        self.clock, self.seconds, self.call = clock, seconds, call

    def ring(self):
        self.clock.pending.remove(self)
        call, self.call = self.call, None
        call()

    def cancel(self):
        self.clock.pending.remove(self)
        self.call = None


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(abort_module, "call_later", clock)
    return clock


def test_a_timeout_aborts_with_a_timeout_error():
    signal = AbortSignal.timeout(1)
    signal.wait_for("abort", 10)
    assert isinstance(signal.reason, TimeoutError)
    with pytest.raises(TimeoutError):
        signal.throw_if_aborted()


def test_the_listener_of_a_timeout_runs_on_the_pool():
    threads, done = [], threading.Event()

    def listener(signal):
        threads.append(threading.current_thread())
        done.set()
    AbortSignal.timeout(20).on("abort", listener)
    assert done.wait(10)
    assert threads[0].name.startswith("netcompat-worker")


def test_a_timeout_is_in_milliseconds(clock):
    signal = AbortSignal.timeout(1500)
    assert [timer.seconds for timer in clock.pending] == [1.5]
    assert not signal.aborted


@pytest.mark.parametrize("msecs, code", [("1", "ERR_INVALID_ARG_TYPE"), (None, "ERR_INVALID_ARG_TYPE"),
                                         (True, "ERR_INVALID_ARG_TYPE"), (1.5, "ERR_INVALID_ARG_TYPE"),
                                         (-1, "ERR_OUT_OF_RANGE"), (1 << 32, "ERR_OUT_OF_RANGE")])
def test_a_bad_timeout_is_refused(msecs, code):
    with pytest.raises((TypeError, ValueError)) as caught:
        AbortSignal.timeout(msecs)
    assert caught.value.code == code


def test_the_timer_of_a_signal_that_nobody_uses_is_cancelled(clock):
    signal = AbortSignal.timeout(60000)
    assert len(clock.pending) == 1
    del signal
    gc.collect()
    assert clock.pending == []


def test_a_timeout_with_a_listener_fires_although_nobody_holds_the_signal(clock):
    calls = Calls()
    AbortSignal.timeout(60000).on("abort", calls)
    gc.collect()
    clock.pending[0].ring()
    assert len(calls) == 1


def test_a_pending_timeout_does_not_keep_the_process_alive(run_script):
    done = run_script("""
        from netcompat.abort import AbortSignal
        signal = AbortSignal.timeout(120000)
        signal.on("abort", print)
        print("end")
    """, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


# --- any ------------------------------------------------------------------------------------------------------------

def test_any_aborts_with_the_first_of_its_signals(controller):
    other = AbortController()
    signal = AbortSignal.any([controller.signal, other.signal])
    calls = Calls()
    signal.on("abort", calls)
    other.abort("other")
    controller.abort("late")
    assert signal.reason == "other" and calls == [(signal,)]


def test_any_of_an_aborted_signal_is_aborted(controller):
    signal = AbortSignal.any([controller.signal, AbortSignal.abort("now"), AbortSignal.abort("second")])
    assert (signal.aborted, signal.reason) == (True, "now")


def test_any_of_nothing_is_never_aborted():
    assert AbortSignal.any([]).aborted is False


def test_any_follows_signals_made_by_any(controller):
    outer = AbortSignal.any([AbortSignal.any([controller.signal, AbortController().signal])])
    gc.collect()
    controller.abort("deep")
    assert outer.reason == "deep"


def test_any_follows_a_timeout_that_nobody_else_holds(clock):
    signal = AbortSignal.any([AbortSignal.timeout(60000)])
    gc.collect()
    clock.pending[0].ring()
    assert isinstance(signal.reason, TimeoutError)


def test_a_follower_is_aborted_before_the_first_listener_runs(controller):
    follower = AbortSignal.any([controller.signal])
    order = []
    controller.signal.on("abort", lambda signal: order.append(("root", follower.aborted)))
    follower.on("abort", lambda signal: order.append(("follower", True)))
    controller.abort()
    assert order == [("root", True), ("follower", True)]


@pytest.mark.parametrize("signals", [None, 5, [None], ["x"], [AbortController()]])
def test_any_takes_signals_only(signals):
    with pytest.raises(TypeError) as caught:
        AbortSignal.any(signals)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_a_follower_that_nobody_uses_is_forgotten(controller):
    followers = [AbortSignal.any([controller.signal]) for _ in range(100)]
    watched = [weakref.ref(follower) for follower in followers]
    del followers
    gc.collect()
    assert [reference() for reference in watched] == [None] * 100
    assert len(controller.signal._followers) == 0


def test_a_follower_lives_as_long_as_it_has_a_listener(controller):
    calls = Calls()
    follower = AbortSignal.any([controller.signal])
    follower.on("abort", calls)
    watched = weakref.ref(follower)
    del follower
    gc.collect()
    assert watched() is not None
    watched().off("abort", calls)
    gc.collect()
    assert watched() is None


def test_an_aborted_signal_lets_its_followers_go(controller):
    calls = Calls()
    follower = AbortSignal.any([controller.signal, AbortController().signal])
    follower.on("abort", calls)
    watched = weakref.ref(follower)
    controller.abort()
    del follower
    calls.clear()
    gc.collect()
    assert watched() is None


def test_a_follower_made_while_its_root_aborts_is_aborted(fast_switching):
    for _ in range(200):
        controller, made = AbortController(), []
        barrier = threading.Barrier(2)

        def follow():
            barrier.wait()
            made.append(AbortSignal.any([controller.signal]))
        thread = threading.Thread(target=follow)
        thread.start()
        barrier.wait()
        controller.abort("race")
        thread.join()
        assert made[0].reason == "race"
