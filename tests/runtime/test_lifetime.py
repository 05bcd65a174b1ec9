"""Handles, the keeper, `shutdown`, `stats`, and what happens around the end of the interpreter and a fork."""
import os
import sys
import threading
import time
from typing import Any, List

import pytest

import netcompat
from conftest import eventually
from netcompat.runtime import lifetime
from netcompat.runtime.reactor import reactor

HOST = "127.0.0.1"


def names() -> List[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("netcompat")]


def test_a_refd_handle_has_a_keeper_and_an_unrefd_one_has_none() -> None:
    server = netcompat.create_server().listen(0, HOST)
    assert "netcompat-keeper" in names()
    server.unref()
    eventually(lambda: "netcompat-keeper" not in names())
    server.ref()
    assert "netcompat-keeper" in names()
    server.close()
    eventually(lambda: not names())


def test_the_keeper_alone_is_no_daemon() -> None:
    server = netcompat.create_server().listen(0, HOST)
    server.wait_for("listening", 5)
    assert [t.name for t in threading.enumerate() if not t.daemon and t.name.startswith("netcompat")] == [
        "netcompat-keeper"]
    server.close()


@pytest.mark.skipif(not hasattr(threading, "_register_atexit"), reason="3.8: the keeper looks twice a second")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_idle_program_sleeps(run_script: Any) -> None:
    """The main thread has ended, a server listens, a client is connected, and nothing happens: no thread wakes up."""
    done = run_script("""
        import threading, time
        import netcompat

        def wakeups():
            counts = {}
            for thread in threading.enumerate():
                if thread.name.startswith("netcompat"):
                    with open("/proc/self/task/%d/status" % thread.native_id) as file:
                        counts[thread.name] = [line for line in file if line.startswith("voluntary_ctxt_switches")]
            return counts

        def watch():
            for _ in range(20):             # other threads may have had no processor for a while
                before = wakeups()
                time.sleep(2.0)
                if before == wakeups():
                    break
            print("asleep" if before == wakeups() else "awake", *sorted(set(before) - {"netcompat-worker-1"})[:2])
            client.destroy()
            server.close()

        server = netcompat.create_server(lambda sock: None).listen(0, "127.0.0.1")
        client = netcompat.connect(server.address().port, "127.0.0.1")
        client.wait_for("connect", 10)
        threading.Thread(target=watch, daemon=True).start()
    """, timeout=55)
    assert (done.stdout, done.returncode) == ("asleep netcompat-keeper netcompat-reactor\n", 0), (
        done.stdout + done.stderr)


def test_a_keeper_that_cannot_be_started_is_said_once_and_the_program_ends(run_script: Any) -> None:
    done = run_script("""
        import threading
        import netcompat
        start = threading.Thread.start
        def limited(thread):
            if thread.name == "netcompat-keeper":
                raise RuntimeError("can't start new thread")
            start(thread)
        threading.Thread.start = limited
        server = netcompat.create_server().listen(0, "127.0.0.1")
        server.wait_for("listening", 10)
        netcompat.runtime.lifetime.wait_until_unneeded()
        print("ends", flush=True)
    """)
    assert (done.stdout, done.returncode) == ("ends\n", 0), done.stderr
    assert done.stderr.splitlines() == ["the process will not be kept alive: can't start new thread"]


def test_who_waits_for_the_keeper_goes_on_when_nothing_is_needed() -> None:
    """What a worker of a cluster does, and the end of a program on Windows."""
    for wait in (lifetime.wait_until_unneeded, lifetime._wait_in_slices):
        server = netcompat.create_server().listen(0, HOST)
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
        server.close()
        waiting.join(10)
        assert not waiting.is_alive()


def test_ref_and_unref_in_a_race_leave_what_was_said_last(fast_switching: None) -> None:
    server = netcompat.create_server().listen(0, HOST)

    def toggle() -> None:
        for _ in range(100):
            server.unref()
            server.ref()
    threads = [threading.Thread(target=toggle) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.ref()
    assert names().count("netcompat-keeper") == 1
    server.unref()
    eventually(lambda: "netcompat-keeper" not in names())
    server.close()


# ---- shutdown ----

def test_shutdown_leaves_nothing_and_all_can_be_used_again() -> None:
    for _ in range(10):
        server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, HOST)
        clients = [netcompat.connect(server.address().port, HOST) for _ in range(5)]
        for client in clients:
            client.write(b"x")
            assert client.recv(1, 5) == b"x"
        netcompat.shutdown(5)
        assert not names()
        assert not server.listening and all(client.destroyed for client in clients)


def test_shutdown_without_anything_to_do() -> None:
    netcompat.shutdown()
    netcompat.shutdown(0)


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), threading.TIMEOUT_MAX * 2, True, "1", [1]])
def test_shutdown_refuses_what_is_no_time_and_ends_nothing(wrong: Any) -> None:
    server = netcompat.create_server().listen(0, HOST)
    with pytest.raises((TypeError, OverflowError, ValueError)) as caught:
        netcompat.shutdown(wrong)
    assert getattr(caught.value, "code") in ("ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE")
    assert server.listening
    server.close()


def test_shutdown_tells_of_a_listener_that_does_not_return() -> None:
    go, inside = threading.Event(), threading.Event()
    server = netcompat.create_server(lambda sock: (inside.set(), go.wait(20))).listen(0, HOST)
    netcompat.connect(server.address().port, HOST)
    assert inside.wait(5)
    with pytest.raises(TimeoutError):
        netcompat.shutdown(0.2)
    go.set()
    netcompat.shutdown(5)


def test_shutdown_ends_what_a_close_listener_opens() -> None:
    server = netcompat.create_server().listen(0, HOST)
    port = server.address().port
    client = netcompat.connect(port, HOST)
    client.wait_for("connect", 5)
    again: List[netcompat.Server] = []
    client.on("close", lambda *_: again.append(netcompat.create_server().listen(0, HOST)))
    netcompat.shutdown(5)
    assert again and not again[0].listening


def test_shutdown_ends_a_timer_of_a_socket_that_never_connected() -> None:
    sock = netcompat.Socket()
    sock.set_timeout(3_600_000)
    began = time.monotonic()
    netcompat.shutdown(5)
    assert time.monotonic() - began < 3


def test_shutdown_in_the_pumping_thread_needs_no_pump() -> None:
    queue = netcompat.EventQueue()
    server = netcompat.create_server(dispatch=queue.put).listen(0, HOST)
    client = netcompat.connect(server.address().port, HOST, dispatch=queue.put)
    queue.run_until(lambda: not client.connecting and server.connections, 5)
    netcompat.shutdown(5)
    closed: List[int] = []
    client.on("close", lambda *_: closed.append(1))
    queue.run_until(lambda: closed, 5)      # it is delivered when somebody pumps


def test_a_server_that_closes_after_its_connections_needs_no_pump() -> None:
    queue = netcompat.EventQueue()
    server = netcompat.create_server(dispatch=queue.put).listen(0, HOST)
    client = netcompat.connect(server.address().port, HOST, dispatch=queue.put)
    queue.run_until(lambda: not client.connecting and server.connections, 5)
    for sock in [client, *server.connections]:
        sock.destroy()
    eventually(lambda: lifetime.handles() == [server])      # their 'close' is in the queue
    server.close()
    eventually(lambda: not lifetime.handles())


def test_shutdown_reports_what_is_unheard_at_once(reported: Any, tcp_address: Any) -> None:
    client = netcompat.connect(tcp_address[1], HOST)
    closed = threading.Event()
    client.on("close", lambda *_: closed.set())
    assert closed.wait(5)
    netcompat.shutdown(5)
    reported.take(ConnectionRefusedError, 0.5)


def test_several_may_shut_down_at_once() -> None:
    server = netcompat.create_server().listen(0, HOST)
    for _ in range(5):
        netcompat.connect(server.address().port, HOST).on("error", lambda problem: None)
    threads = [threading.Thread(target=netcompat.shutdown, args=(5,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert not names()


# ---- stats ----

def test_stats_tell_of_handles_bytes_and_queues() -> None:
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, HOST)
    client = netcompat.connect(server.address().port, HOST)
    client.write(b"12345")
    client.recv(5, 5)
    client.cork()
    client.write(b"678")
    eventually(lambda: netcompat.stats()["bytes_written"] == 13)        # the echo counts what it wrote after the fact
    found = netcompat.stats()
    assert found["handles"] == {"server": 1, "tcp": 2}
    assert (found["bytes_read"], found["queued_bytes"], found["reactor_running"]) == (10, 3, True)
    assert found["reactor_wakeups"] > 0
    client.destroy()
    server.close()
    netcompat.shutdown(5)
    assert netcompat.stats()["handles"] == {} and not netcompat.stats()["reactor_running"]


# ---- calls for later ----

def test_a_call_for_later_is_made_once_on_the_pool() -> None:
    made: List[str] = []
    lifetime.call_later(0.01, lambda: made.append(threading.current_thread().name))
    eventually(lambda: made)
    netcompat.shutdown(5)
    assert len(made) == 1 and made[0].startswith("netcompat-worker")


def test_a_call_that_was_taken_back_is_not_made() -> None:
    made: List[int] = []
    pending = lifetime.call_later(0.02, lambda: made.append(1))
    pending.cancel()
    over = threading.Event()
    lifetime.call_later(0.05, over.set)
    assert over.wait(5)
    assert not made
    eventually(lambda: not reactor.holders)


def test_a_call_that_was_made_cannot_be_taken_back() -> None:
    made = threading.Event()
    pending = lifetime.call_later(0.0, made.set)
    assert made.wait(10)
    pending.cancel()
    netcompat.shutdown(5)


def test_shutdown_forgets_calls_for_later_but_those_to_be_made_before_the_end() -> None:
    made: List[str] = []
    lifetime.call_later(3600, lambda: made.append("later"))
    lifetime.call_later(3600, lambda: made.append("before the end"), before_end=True)
    netcompat.shutdown(5)
    assert made == ["before the end"]
    assert not names()


def test_a_call_is_made_once_whoever_hurries() -> None:
    made: List[int] = []
    pending = lifetime.call_later(0.01, lambda: made.append(1), before_end=True)
    threads = [threading.Thread(target=pending.say) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    netcompat.shutdown(5)
    assert made == [1]
    assert not lifetime._endings


def test_a_call_that_is_made_at_once_is_not_kept_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    make = lifetime._Pending.__init__

    def made_at_once(self: Any, seconds: float, call: Any) -> None:
        make(self, seconds, call)
        self.say()
    monkeypatch.setattr(lifetime._Pending, "__init__", made_at_once)
    lifetime.call_later(3600, int, before_end=True)
    netcompat.shutdown(5)
    assert not lifetime._endings


def test_a_shutdown_may_come_while_a_call_for_later_is_being_set(monkeypatch: pytest.MonkeyPatch) -> None:
    made, over = [], threading.Event()
    opened = lifetime.opened

    def opened_and_over(handle: Any, ref: bool) -> None:
        opened(handle, ref)
        netcompat.shutdown(5)       # as of another thread
    with monkeypatch.context() as patch:
        patch.setattr(lifetime, "opened", opened_and_over)
        lifetime.call_later(0.01, lambda: made.append(1))
    lifetime.call_later(0.05, over.set)
    assert over.wait(5) and made == []


# ---- the end of the interpreter ----

def test_queued_listeners_are_finished_before_the_end(run_script: Any) -> None:
    done = run_script("""
        import netcompat, time
        from netcompat.runtime import workers
        server = netcompat.create_server().listen(0, "127.0.0.1").unref()
        server.wait_for("listening", 5)
        def slow(number):
            time.sleep(0.05)
            print(number, flush=True)
        for number in range(5):
            server._enter(server._post, slow, number)
    """)
    assert (done.stdout.split(), done.returncode) == (list("01234"), 0), done.stderr


def test_a_callback_of_what_was_never_open_is_finished_before_the_end(run_script: Any) -> None:
    for _ in range(5):
        done = run_script("""
            import netcompat, sys
            sys.setswitchinterval(1e-6)
            netcompat.create_server().close(lambda problem: print(problem.code, flush=True))
        """)
        assert (done.stdout, done.returncode) == ("ERR_SERVER_NOT_RUNNING\n", 0), done.stderr


def test_what_a_listener_queues_while_the_program_ends_is_finished(run_script: Any) -> None:
    for _ in range(5):
        done = run_script("""
            import netcompat, sys, threading
            sys.setswitchinterval(1e-6)
            server, begun = netcompat.create_server().unref(), threading.Event()
            def step(left):
                begun.set()
                if left:
                    server._enter(server._post, step, left - 1)
                else:
                    server.close(lambda *_: print("closed", flush=True))
            server.listen(0, "127.0.0.1", lambda: step(300))
            begun.wait()
        """)
        assert (done.stdout, done.returncode) == ("closed\n", 0), done.stderr


def test_the_end_of_the_program_is_not_measured_in_time(run_script: Any) -> None:
    """A busy machine may leave the thread that looks, or the reactor, without a processor for long."""
    done = run_script("""
        import netcompat, threading, time, types
        from netcompat.runtime import lifetime, reactor
        begun = threading.Event()
        def step(left):
            begun.set()
            time.sleep(0.05)
            if left:
                server._enter(server._post, step, left - 1)
            else:
                reactor.reactor.call_soon(time.sleep, 0.5)      # the close is up to the reactor
                server.close(lambda *_: print("closed", flush=True))
        server = netcompat.create_server().unref()
        server.listen(0, "127.0.0.1", lambda: step(10))
        begun.wait()
        lifetime.time = types.SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: time.sleep(0.25))
    """)
    assert (done.stdout, done.returncode) == ("closed\n", 0), done.stderr


def test_a_listener_that_does_not_end_holds_up_no_program_that_died(run_script: Any) -> None:
    done = run_script("""
        import netcompat, threading, time
        begun = threading.Event()
        def endless():
            begun.set()
            while True:
                time.sleep(0.01)
        server = netcompat.create_server().listen(0, "127.0.0.1", endless)
        assert begun.wait(10)
        raise ValueError("on purpose")
    """)
    assert (done.stderr.count("Traceback"), done.returncode) == (1, 1), done.stderr


def test_a_program_that_died_ends_where_nothing_tells_of_its_end(run_script: Any) -> None:
    """As on Python 3.8: there the keeper looks twice a second."""
    done = run_script("""
        import threading
        if hasattr(threading, "_register_atexit"):
            import concurrent.futures.thread        # it needs that
            del threading._register_atexit
        import netcompat
        server = netcompat.create_server().listen(0, "127.0.0.1")
        raise ValueError("on purpose")
    """)
    assert (done.stderr.count("Traceback"), done.returncode) == (1, 1), done.stderr


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="its first releases start no thread after the main one")
def test_a_first_handle_after_the_main_thread_has_ended(run_script: Any) -> None:
    """It is served, but where no keeper can be had it keeps nobody alive, and nobody is there to be warned."""
    for keeper in ("True", "False"):
        done = run_script("""
            import sys, threading
            import netcompat
            start = threading.Thread.start
            def limited(thread):
                if thread.name == "netcompat-keeper" and sys.argv[1] == "False":
                    raise RuntimeError("can't start new thread")
                start(thread)
            threading.Thread.start = limited
            def late():
                threading.main_thread().join()
                with netcompat.create_server(lambda sock: sock.end(b"x")).listen(0, "127.0.0.1") as server:
                    with netcompat.connect(server.address().port, "127.0.0.1") as client:
                        print(b"".join(client), flush=True)
            threading.Thread(target=late).start()
        """, keeper)
        assert (done.stdout, done.stderr, done.returncode) == ("b'x'\n", "", 0)


def test_what_nobody_heard_is_said_before_the_end(run_script: Any) -> None:
    done = run_script("""
        import netcompat
        client = netcompat.connect(1, "127.0.0.1").unref()
        try:
            client.wait_for("ready", 10)
        except OSError:
            pass
        other = netcompat.connect(1, "127.0.0.1")
        closed = netcompat.runtime.lifetime.threading.Event()
        other.on("close", lambda had_error: closed.set())
        assert closed.wait(10)
    """)
    assert (done.stderr.count("ECONNREFUSED"), done.returncode) == (1, 0), done.stderr


def test_nobody_waits_for_a_round_of_a_reactor_that_cannot_be_had(monkeypatch: Any) -> None:
    """It ended between the look and the request, and a process limit, or the end of the program, allows no other."""
    def no_more(*_: Any) -> None:
        raise RuntimeError("can't start new thread")
    server = netcompat.create_server().listen(0, HOST)
    with monkeypatch.context() as patch:
        patch.setattr(reactor, "call_soon", no_more)
        assert lifetime._ask_for_round() == [True]
    server.close()


def test_the_end_of_the_program_does_not_wait_for_what_nobody_can_run(run_script: Any) -> None:
    done = run_script("""
        import netcompat, threading
        from netcompat.runtime import workers
        def no_more(*_):
            raise RuntimeError("can't start new thread")
        pool = netcompat.WorkerPool(1)
        netcompat.set_default_workers(pool)
        server, other = netcompat.create_server().unref(), netcompat.create_server()
        helped = threading.Event()
        def wait():
            helped.set()
            other.wait_for("never")
        server.listen(0, "127.0.0.1", wait)
        helped.wait(5)
        workers.threading.Thread.start = no_more
        pool.submit(lambda: print("ran", flush=True))
    """)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_a_server_that_closes_keeps_the_process_until_its_close_is_delivered(fast_switching: None) -> None:
    for _ in range(100):
        kept: List[bool] = []
        server = netcompat.create_server()
        server.on("close", lambda server=server, kept=kept: kept.append(server in lifetime._refed))
        server.listen(0, HOST, server.close)
        keeper = lifetime._keeper
        server.wait_for("close", 5)
        eventually(lambda: kept)
        assert kept == [True] and keeper is lifetime._keeper
        eventually(lambda: not names())


def test_output_of_many_threads_at_the_end_brings_nothing_down(run_script: Any) -> None:
    for _ in range(5):
        done = run_script("""
            import netcompat
            def on_data(chunk):
                for _ in range(50): print("x" * 100)
            server = netcompat.create_server(lambda s: (s.unref(), s.on("data", on_data)))
            server.listen(0, "127.0.0.1").unref()
            for _ in range(10):
                c = netcompat.connect(server.address().port, "127.0.0.1").unref()
                c.write(b"x")
        """)
        assert (done.stderr, done.returncode) == ("", 0)


def test_sys_exit_in_the_main_thread_keeps_its_code(run_script: Any) -> None:
    done = run_script("""
        import netcompat, sys
        server = netcompat.create_server().listen(0, "127.0.0.1").unref()
        sys.exit(7)
    """)
    assert (done.returncode, done.stderr) == (7, "")


# ---- fork ----

@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_listener_may_fork(run_script: Any) -> None:
    """The child is the worker that forked; it returns from the listener and ends, and runs nothing of the parent's."""
    done = run_script("""
        import os, threading, netcompat
        over = threading.Event()
        status = []
        def handle(sock):
            pid = os.fork()
            if not pid:
                inner = netcompat.create_server(lambda s: s.end(b"child")).listen(0, "127.0.0.1")
                c = netcompat.connect(inner.address().port, "127.0.0.1")
                ok = b"".join(c) == b"child" and sock.destroyed
                os._exit(0 if ok else 1)
            status.append(os.waitpid(pid, 0)[1])
            sock.end(b"parent")
        server = netcompat.create_server(handle).listen(0, "127.0.0.1")
        c = netcompat.connect(server.address().port, "127.0.0.1")
        print(b"".join(c), status)
        c.destroy()
        server.close()
    """)
    assert (done.stdout, done.returncode) == ("b'parent' [0]\n", 0), done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_forks_while_everything_runs(run_script: Any) -> None:
    done = run_script("""
        import os, sys, threading, netcompat
        sys.setswitchinterval(1e-5)
        server = netcompat.create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")
        port, stop = server.address().port, threading.Event()
        rounds = [0] * 4
        def talk(me):
            while not stop.is_set():
                c = netcompat.connect(port, "127.0.0.1")
                c.write(b"x" * 1000)
                got = 0
                while got < 1000:
                    got += len(c.recv(1000, 10))
                c.destroy()
                rounds[me] += 1
        threads = [threading.Thread(target=talk, args=(n,)) for n in range(4)]
        for t in threads: t.start()
        for _ in range(15):
            pid = os.fork()
            if not pid:
                inner = netcompat.create_server(lambda s: s.end(b"child")).listen(0, "127.0.0.1")
                c = netcompat.connect(inner.address().port, "127.0.0.1")
                ok = b"".join(c) == b"child"
                c.destroy(); inner.close()
                netcompat.shutdown(10)
                os._exit(0 if ok else 1)
            assert os.waitpid(pid, 0)[1] == 0
        stop.set()
        for t in threads: t.join()
        assert min(rounds) > 0
        server.close()
        print("fine")
    """, timeout=50)
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.parametrize("before", ["", "server = netcompat.create_server().listen(0, '127.0.0.1'); server.close()\n"
                                    "netcompat.shutdown(10)", "lifetime.call_later(0.0, lambda: print('parent'))"])
def test_a_fork_without_open_handles(run_script: Any, before: str) -> None:
    """The child makes no call that the parent asked for, and both can go on."""
    done = run_script("""
        import os, netcompat, sys
        from netcompat.runtime import lifetime
        exec(sys.argv[1])
        pid = os.fork()
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
        server = netcompat.create_server(lambda sock: sock.end(b"x")).listen(0, "127.0.0.1")
        client = netcompat.connect(server.address().port, "127.0.0.1")
        assert b"".join(client) == b"x"
        client.destroy()
        server.close()
        netcompat.shutdown(10)
        if not pid:
            os._exit(0)
    """, before)
    assert (done.stdout, done.returncode) == ("parent\n" if "parent" in before else "", 0), done.stderr
