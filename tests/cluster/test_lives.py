"""Workers and primaries that die, are replaced, restarted or stuck; and that nothing is left of them."""
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import cluster_targets as targets
from cluster_helpers import (METHODS, Load, Running, ask, helpers_of_multiprocessing, needs_linux,
                             open_client, read_all, running, session)
from cluster_targets import WAIT
from conftest import eventually, open_descriptors, script_environment
from netcompat.cluster import Cluster

HOST = {"port": 0, "host": "127.0.0.1"}
POLICIES = ["round-robin", "shared"]


# ---- replacement ----

@pytest.mark.parametrize("method", METHODS)
def test_who_dies_is_replaced(running, method, caplog):
    one = running(targets.introduce_at, (HOST,), workers=1, context=method)
    port = one.port()
    first, = one.workers()
    with caplog.at_level(logging.WARNING, "netcompat"):
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait_for("exit", WAIT) == (None, "SIGKILL")
        assert ask(port).endswith(b"?")         # it waited for the next worker
    assert one.all_of("exit") == [("exit", 1, None, "SIGKILL")]
    second, = one.workers()
    assert second.id == 2 and not first.connected
    assert "worker 1 has ended with SIGKILL" in caplog.text


def test_the_pauses_grow_for_who_dies_at_once(running, caplog):
    with caplog.at_level(logging.WARNING, "netcompat"):
        one = running(targets.end_with, (7,), workers=1)
        one.until(lambda: len(one.all_of("exit")) == 4)
    told = [record.getMessage() for record in caplog.records]
    pauses = [message.rpartition(" in ")[2] for message in told if "replaced" in message]
    assert pauses[:3] == ["0.1 s", "0.2 s", "0.4 s"]
    assert one.all_of("exit")[0] == ("exit", 1, 7, None)
    began = time.monotonic()
    one.cluster.shutdown()              # in the middle of a pause
    assert time.monotonic() - began < WAIT / 2


def test_a_target_that_raises_at_once_says_so(run_script):
    done = run_script("""
        import sys
        sys.path.insert(0, sys.argv[1])
        import cluster_targets as targets
        from netcompat.cluster import Cluster
        if __name__ == "__main__":
            with Cluster(targets.raise_at_once, workers=1, respawn=False) as cluster:
                cluster.on("exit", lambda worker, code, signal: print("exit", worker.id, code, signal))
                cluster.wait(20)
    """, os.path.dirname(targets.__file__))
    assert done.stdout == "exit 1 1 None\n" and done.returncode == 0
    assert "RuntimeError: the target of a test raises at once" in done.stderr


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_main_file_without_a_guard_is_told_so(run_script, method):
    """Each worker imports it, and would start workers of its own."""
    done = run_script("""
        import sys
        sys.path.insert(0, sys.argv[1])
        import cluster_targets as targets
        from netcompat.cluster import Cluster
        with Cluster(targets.return_at_once, workers=1, respawn=False, context=sys.argv[2]) as cluster:
            cluster.on("exit", lambda worker, code, signal: print("exit", worker.id, code, signal))
            cluster.wait(20)
    """, os.path.dirname(targets.__file__), method)
    assert done.stdout == "exit 1 1 None\n" and done.returncode == 0
    assert "if __name__ == '__main__':" in done.stderr


def test_who_returns_at_once_is_told_why_it_ends(running, caplog):
    running(targets.return_at_once)
    eventually(lambda: any("when its target has returned and nothing is open" in text for text in caplog.messages))


def test_without_respawn_the_cluster_ends_with_its_workers(running):
    one = running(targets.return_at_once, respawn=False)
    one.cluster.wait(WAIT)
    one.until(lambda: len(one.all_of("exit")) == 2)
    assert sorted(one.all_of("exit")) == [("exit", 1, 0, None), ("exit", 2, 0, None)]


def test_who_was_told_to_end_is_not_replaced(running):
    one = running(targets.introduce_at, (HOST,), workers=2)
    one.port()
    one.workers()[0].disconnect()
    one.until(lambda: one.all_of("exit"))
    assert [worker.id for worker in one.workers()] == [2]
    assert len(one.all_of("fork")) == 2


def test_a_worker_may_leave_of_its_own_accord_and_is_replaced(running):
    one = running(targets.recycle, (HOST,), workers=1)
    port = one.port()
    first, = one.workers()
    first.send("go")
    assert first.wait_for("exit", WAIT) == (0, None)
    assert ask(port) == b"?"
    assert [worker.id for worker in one.workers()] == [2]


def test_kill_sends_a_signal(running):
    one = running(targets.wait_for_disconnect, workers=1, respawn=False)
    one.until(lambda: one.all_of("online"))
    one.workers()[0].kill()
    one.cluster.wait(WAIT)
    one.until(lambda: one.all_of("exit"))
    assert one.all_of("exit") == [("exit", 1, None, "SIGTERM")]


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_is_refused_while_workers_are_killed(running, policy):
    one = running(targets.echo_at, (HOST,), policy=policy, grace=2.0)
    load = Load(one.port(), 150)
    for _ in range(6):
        time.sleep(0.15)
        workers = one.workers()
        if workers:
            os.kill(workers[0].pid, signal.SIGKILL)
    eventually(lambda: len(one.cluster.workers) == 2, WAIT)
    found = load.stop()
    assert not [what for what in found if what.startswith("connect")], found
    assert found["echoed"] > sum(found.values()) / 2, found


def test_a_connection_on_its_way_to_who_dies_goes_to_another(running):
    one = running(targets.introduce_at, (HOST,), workers=2)
    port = one.port()
    victim, other = one.workers()
    os.kill(victim.pid, signal.SIGSTOP)
    clients = [open_client(port) for _ in range(6)]     # every second one is on its way to the one that sleeps
    time.sleep(0.1)
    os.kill(victim.pid, signal.SIGKILL)
    pids = [int(client.makefile().readline()) for client in clients]
    assert victim.pid not in pids and pids.count(other.pid) >= 3
    for client in clients:
        client.close()


def test_a_worker_that_is_stuck_does_not_keep_the_others_from_serving(running):
    one = running(targets.introduce_at, (HOST,), workers=2)
    port = one.port()
    sleeper, other = one.workers()
    os.kill(sleeper.pid, signal.SIGSTOP)
    try:
        waiting, served = [], 0
        for _ in range(60):
            client = open_client(port)
            client.settimeout(0.2)
            try:
                assert int(client.recv(100)) == other.pid
                served += 1
                client.close()
            except OSError:
                waiting.append(client)
        assert served >= 50, "{} wait".format(len(waiting))
        with pytest.raises(TimeoutError, match="no answer from worker {} ".format(sleeper.id)):
            one.cluster.get_connections()
    finally:
        os.kill(sleeper.pid, signal.SIGCONT)
    for client in waiting:
        client.settimeout(WAIT)
        assert client.recv(100)
        client.close()


def test_messages_to_a_worker_that_is_stuck_wait_in_memory(running):
    one = running(targets.answer_messages, workers=1)
    one.until(lambda: one.all_of("online"))
    worker, = one.workers()
    os.kill(worker.pid, signal.SIGSTOP)
    answers = [worker.send((number, b"x" * 20000)) for number in range(500)]
    assert answers[0] is True and answers[-1] is False
    os.kill(worker.pid, signal.SIGCONT)
    assert [message[0][0] for message in one.messages(500)] == list(range(500))


@pytest.mark.parametrize("method", METHODS)
def test_who_does_not_end_is_killed(running, method):
    one = running(targets.stuck, (HOST,), workers=1, context=method)
    worker, = one.workers()
    one.port()
    os.kill(worker.pid, signal.SIGSTOP)         # it cannot even hear that it is to end
    assert one.cluster.shutdown(0.1) == 1
    assert worker.wait_for("exit", WAIT) == (None, "SIGKILL")


def test_a_target_that_does_not_return_ends_all_the_same(running):
    one = running(targets.stuck, (HOST,), workers=1)
    worker, = one.workers()
    one.port()
    assert one.cluster.shutdown(0.1) == 0
    assert worker.wait_for("exit", WAIT) == (0, None)


# ---- restart and shutdown ----

@pytest.mark.parametrize("policy", POLICIES)
def test_restart_under_load_refuses_nobody_and_gives_old_connections_their_time(running, policy):
    grace = 1.5
    one = running(targets.introduce_at, (HOST,), policy=policy, grace=grace)
    port = one.port()
    old = [open_client(port) for _ in range(20)]
    for client in old:
        client.makefile().readline()
    lives = []

    def live(client):
        client.sendall(b"!")
        assert client.recv(1) == b"!"
        lives.append((read_all(client), time.monotonic()))

    threads = [threading.Thread(target=live, args=(client,)) for client in old]
    load = Load(port, 150)
    began = time.monotonic()
    for thread in threads:
        thread.start()
    one.cluster.restart(WAIT * 2)
    for thread in threads:
        thread.join(WAIT)
    found = load.stop()
    assert set(found) == {"ended"} or set(found) == {"echoed"} or not [
        what for what in found if ":" in what], found
    assert len(lives) == 20 and all(data == b"" for data, _ in lives)
    assert min(when for _, when in lives) - began >= grace * 0.9
    assert [worker.id for worker in one.workers()] == [3, 4]
    for client in old:
        client.close()


def test_restart_stops_when_the_new_ones_are_no_good(running):
    one = running(targets.raise_unless_first, (0,), workers=1)
    port = one.port()
    with pytest.raises(RuntimeError, match="worker 2, the replacement of worker 1, has ended with exit status 3"):
        one.cluster.restart(WAIT)
    assert [worker.id for worker in one.workers()] == [1]
    assert ask(port) == b"?"


def test_shutdown_gives_connections_their_time(running):
    one = running(targets.introduce_at, (HOST,), grace=WAIT)
    port = one.port()
    client = open_client(port)
    file = client.makefile("rb")
    file.readline()
    ended = []
    thread = threading.Thread(target=lambda: ended.append(one.cluster.shutdown()))
    thread.start()
    one.until(lambda: one.all_of("exit"))       # the worker that has no connection
    client.sendall(b"still here")
    assert file.read(10) == b"still here"
    client.close()
    file.close()
    thread.join(WAIT)
    assert ended == [0]


def test_replacements_leave_the_primary_as_it_was(running):
    one = running(targets.introduce_at, (HOST,), workers=1, grace=0.0)
    port = one.port()
    one.cluster.restart(WAIT)
    before = len(open_descriptors())
    for _ in range(10):
        one.cluster.restart(WAIT)
        assert ask(port).endswith(b"?")
    eventually(lambda: len(open_descriptors()) <= before, WAIT)


# ---- the primary ----

PRIMARY = """
    import json, os, sys, threading, time
    sys.path.insert(0, sys.argv[1])
    import cluster_targets as targets
    from netcompat.cluster import Cluster

    def main():
        options = json.loads(sys.argv[2])
        handle, end = options.pop("handle_signals"), options.pop("end")
        place = options.pop("place")
        cluster = Cluster(targets.introduce_at, (place,), **options)
        ready = []
        def on_listening(worker, address):
            ready.append(worker.pid)
            if len(ready) == 2:
                print(json.dumps({"pids": ready, "address": address}), flush=True)
        cluster.on("listening", on_listening)
        if handle:
            cluster.handle_signals()
        with cluster:
            if end == "raise":
                while len(ready) < 2:
                    time.sleep(0.01)
                raise RuntimeError("the primary fails")
            cluster.wait()
        print("ended", flush=True)

    if __name__ == "__main__":
        main()
"""


class Primary:
    """A program with a cluster, in a process of its own."""

    def __init__(self, tmp_path, handle_signals=False, place=HOST, end="wait", **options):
        import textwrap
        script = tmp_path / "primary.py"
        script.write_text(textwrap.dedent(PRIMARY), encoding="utf-8")
        options = dict({"workers": 2, "grace": 0.5, "handle_signals": handle_signals, "place": place, "end": end,
                        "context": "forkserver"}, **options)
        self.stderr = open(str(tmp_path / "stderr"), "w+")
        self.temporary = tmp_path / "tmp"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, str(script), os.path.dirname(targets.__file__), json.dumps(options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.stderr,
            env=dict(script_environment(), TMPDIR=str(self.temporary)), universal_newlines=True,
            start_new_session=True)
        line = self.process.stdout.readline()
        assert line, self.complaints()
        told = json.loads(line)
        self.pids, self.address = told["pids"], told["address"]

    def complaints(self):
        self.stderr.seek(0)
        return self.stderr.read()

    def living(self):
        """How many of its workers live."""
        return len(set(self.pids) & set(session(self.process.pid)))

    def end(self):
        """Waits for the end, and sees that no process is left: neither a worker nor a helper of multiprocessing."""
        try:
            status = self.process.wait(WAIT)
            out = self.process.stdout.read()
            eventually(lambda: not session(self.process.pid), WAIT, "processes are left")
            complaints = self.complaints()
            assert "resource_tracker" not in complaints, complaints     # it tells of semaphores that are left
            return status, out, complaints
        finally:
            self.process.stdout.close()
            self.stderr.close()


@needs_linux
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGKILL"])
def test_workers_of_a_primary_that_is_killed_end(tmp_path, ipc_path, method, signal_name):
    one = Primary(tmp_path, place={"path": ipc_path}, context=method)
    assert ask(ipc_path).endswith(b"?")
    one.process.send_signal(getattr(signal, signal_name))
    status, _, _ = one.end()
    assert status == -getattr(signal, signal_name)
    eventually(lambda: not os.path.exists(ipc_path), WAIT, "the path is left")


@needs_linux
@pytest.mark.parametrize("number, method", [(signal.SIGTERM, "spawn"), (signal.SIGTERM, "forkserver"),
                                            (signal.SIGINT, "fork"), (signal.SIGINT, "forkserver")])
def test_handled_signals_end_the_cluster_gracefully(tmp_path, ipc_path, number, method):
    one = Primary(tmp_path, handle_signals=True, place={"path": ipc_path}, grace=WAIT, context=method)
    with open_client(ipc_path) as client:
        client.makefile().readline()
        os.killpg(one.process.pid, number) if number == signal.SIGINT else one.process.send_signal(number)
        eventually(lambda: one.living() == 1, WAIT)     # one has no connection
        client.sendall(b"!")
        assert client.recv(1) == b"!"
    status, out, complaints = one.end()
    assert (status, out) == (0, "ended\n")
    assert "Traceback" not in complaints
    assert not os.path.exists(ipc_path) and not os.listdir(str(one.temporary))


@needs_linux
def test_the_second_signal_ends_the_cluster_at_once(tmp_path, ipc_path):
    one = Primary(tmp_path, handle_signals=True, place={"path": ipc_path}, grace=10 * WAIT)
    with open_client(ipc_path) as client:
        client.makefile().readline()
        one.process.send_signal(signal.SIGTERM)
        eventually(lambda: one.living() == 1, WAIT)     # one has no connection
        one.process.send_signal(signal.SIGTERM)
        assert one.end()[:2] == (0, "ended\n")


@needs_linux
def test_a_hangup_replaces_the_workers(tmp_path, ipc_path):
    one = Primary(tmp_path, handle_signals=True, place={"path": ipc_path})
    one.process.send_signal(signal.SIGHUP)
    eventually(lambda: one.living() == 0, WAIT)
    assert ask(ipc_path).endswith(b"?")
    one.process.send_signal(signal.SIGTERM)
    status, out, complaints = one.end()
    assert (status, out, complaints) == (0, "ended\n", "")


@needs_linux
@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_at_the_terminal_raises_keyboard_interrupt_in_the_primary_alone(tmp_path, ipc_path, method):
    one = Primary(tmp_path, place={"path": ipc_path}, context=method)
    os.killpg(one.process.pid, signal.SIGINT)
    status, _, complaints = one.end()
    assert status == -signal.SIGINT
    assert complaints.count("Traceback") == 1 and "KeyboardInterrupt" in complaints
    assert not os.path.exists(ipc_path) and not os.listdir(str(one.temporary))


@needs_linux
def test_a_primary_that_fails_takes_its_workers_along(tmp_path, ipc_path):
    one = Primary(tmp_path, place={"path": ipc_path}, end="raise")
    status, _, complaints = one.end()
    assert status == 1 and complaints.count("Traceback") == 1
    assert not os.path.exists(ipc_path)


def test_a_main_thread_that_dies_without_shutdown_takes_the_workers_along(run_script):
    done = run_script("""
        import sys
        sys.path.insert(0, sys.argv[1])
        import cluster_targets as targets
        from netcompat.cluster import Cluster
        if __name__ == "__main__":
            cluster = Cluster(targets.wait_for_disconnect, workers=2).start()
            raise RuntimeError("the program fails")
    """, os.path.dirname(targets.__file__))
    assert done.returncode == 1 and done.stderr.count("Traceback") == 1


def test_the_program_lives_while_the_cluster_does(run_script):
    done = run_script("""
        import sys, threading
        sys.path.insert(0, sys.argv[1])
        import cluster_targets as targets
        from netcompat.cluster import Cluster
        if __name__ == "__main__":
            cluster = Cluster(targets.wait_for_disconnect, workers=1).start()
            cluster.on("exit", lambda worker, code, signal: print("exit", code, signal))
            cluster.on("online", lambda worker: worker.disconnect())
    """, os.path.dirname(targets.__file__))
    assert (done.returncode, done.stdout) == (0, "exit 0 None\n"), done.stderr


def test_a_cluster_that_ends_while_it_starts():
    """Told to end at every moment of its beginning."""
    for number in range(8):
        one = Running(targets.introduce_at, (HOST,), workers=2)
        one.cluster.start()
        time.sleep(number * 0.01)
        assert one.cluster.shutdown() == 0
        assert one.cluster.workers == {}


def test_a_cluster_in_a_worker(running):
    """Workers may have processes of their own."""
    one = running(targets.nested, workers=1)
    assert one.messages(1) == [("inner", 1, True)]


def test_clusters_side_by_side(running):
    ones = [running(targets.introduce_at, (HOST,), context="fork") for _ in range(3)]
    ports = [one.port() for one in ones]
    assert len(set(ports)) == 3
    ones[0].cluster.shutdown()
    for port in ports[1:]:
        assert ask(port).endswith(b"?")


def test_interrupting_the_wait_leaves_the_cluster_running(running):
    one = running(targets.wait_for_disconnect, workers=1)
    with pytest.raises(TimeoutError):
        one.cluster.wait(0.05)
    assert len(one.workers()) == 1
    assert isinstance(one.cluster, Cluster)
