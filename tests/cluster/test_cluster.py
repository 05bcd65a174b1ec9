"""What a cluster does while all goes well: sharing, limits, counts, messages, events; and bad input."""
import os
import socket
import sys
import threading
import time

import pytest

import cluster_targets as targets
import netcompat
from cluster_helpers import METHODS, Running, ask, helpers_of_multiprocessing, open_client, running
from cluster_targets import WAIT
from conftest import eventually
from netcompat import cluster
from netcompat.cluster import Cluster

HOST = {"port": 0, "host": "127.0.0.1"}
POLICIES = ["round-robin", "shared"]


# ---- sharing ----

@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("policy", POLICIES)
def test_workers_share_one_port(running, method, policy):
    one = running(targets.introduce_at, (HOST,), context=method, policy=policy)
    assert ask(one.port()).endswith(b"?")
    assert len({told[2].port for told in one.all_of("listening")}) == 1


def test_round_robin_gives_each_worker_its_turn(running):
    one = running(targets.introduce_at, (HOST,), workers=3)
    port = one.port()
    served = [int(ask(port).split()[0]) for _ in range(9)]
    assert sorted(served[:3]) == sorted(worker.pid for worker in one.workers())
    assert served == served[:3] * 3


def test_of_two_workers_each_gets_every_second_connection(running):
    one = running(targets.introduce_at, (HOST,), workers=2)
    port = one.port()
    served = [int(ask(port).split()[0]) for _ in range(8)]
    assert served == served[:2] * 4 and len(set(served)) == 2


def test_port_zero_is_the_same_port_for_all_and_each_further_one_a_new_one(running):
    one = running(targets.tell_address, (HOST, 2))
    first, second = one.messages(2)
    assert first == second
    assert first[0].port != first[1].port


def test_a_port_that_is_listened_on_again_stays_the_same(running):
    one = running(targets.listen_again, (HOST,))
    one.port()
    one.workers()[0].send("again")
    first, second = one.messages(1)[0]
    assert first == second


def test_an_exclusive_port_is_the_workers_own(running):
    one = running(targets.tell_address, (dict(HOST, exclusive=True),))
    first, second = one.messages(2)
    assert first[0].port != second[0].port
    assert {ask(address.port).split()[0] for address in (first[0], second[0])} == {
        str(worker.pid).encode() for worker in one.workers()}
    assert not one.all_of("listening")


@pytest.mark.parametrize("policy", POLICIES)
def test_an_address_in_use_is_an_error_in_each_worker(running, policy):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        one = running(targets.echo_at, ({"port": port, "host": "127.0.0.1"},), policy=policy)
        message = "listen EADDRINUSE: address already in use 127.0.0.1:{}".format(port)
        assert one.messages(2) == [("EADDRINUSE", "listen", message)] * 2


@pytest.mark.parametrize("policy", POLICIES)
def test_unix_path(running, ipc_path, policy):
    one = running(targets.introduce_at, ({"path": ipc_path},), policy=policy)
    one.until(lambda: len(one.all_of("listening")) == 2)
    assert one.all_of("listening")[0][2] == ipc_path
    assert ask(ipc_path).endswith(b"?")
    one.cluster.shutdown()
    assert not os.path.exists(ipc_path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has abstract names")
@pytest.mark.parametrize("policy", POLICIES)
def test_abstract_name(running, policy):
    name = "\0netcompat-cluster-{}".format(os.getpid())
    one = running(targets.introduce_at, ({"path": name},), policy=policy)
    one.until(lambda: len(one.all_of("listening")) == 2)
    assert ask(name).endswith(b"?")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize("policy", POLICIES)
def test_both_families_without_a_host(running, policy):
    one = running(targets.introduce_at, ({"port": 0},), policy=policy)
    port = one.port()
    assert ask(port, host="127.0.0.1").endswith(b"?")
    assert ask(port, host="::1").endswith(b"?")


def test_a_hosts_name_is_looked_up(running):
    one = running(targets.introduce_at, ({"port": 0, "host": "localhost"},))
    address = one.until(lambda: one.all_of("listening"))[0][2]
    assert ask(address.port, host=address.address).endswith(b"?")


def test_a_descriptor_is_the_primarys(running):
    """As Node's documentation has it: `listen({fd})` in a worker means that number in the primary."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        one = running(targets.listen_on, (listener.fileno(),))
        one.until(lambda: len(one.all_of("listening")) == 2)
        assert ask(listener.getsockname()[1]).endswith(b"?")
        one.cluster.shutdown()
        assert listener.getsockname()[1]        # it is still the program's


def test_a_bad_descriptor_is_an_error(running):
    one = running(targets.echo_at, ({"fd": 987},), workers=1)
    assert one.messages(1)[0][0] == "EBADF"


def test_the_port_is_free_when_all_have_closed_it(running):
    one = running(targets.introduce_at, (HOST,))
    port = one.port()
    for worker in one.workers():
        worker.disconnect()
    one.cluster.wait(WAIT)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))


# ---- limits and counts ----

@pytest.mark.parametrize("policy", POLICIES)
def test_a_full_worker_leaves_connections_to_the_others(running, policy):
    one = running(targets.limited, (1, False, HOST), workers=2, policy=policy)
    port = one.port()
    clients = [open_client(port) for _ in range(2)]
    assert {client.makefile().readline().strip() for client in clients} == {
        str(worker.pid) for worker in one.workers()}
    third = open_client(port)
    third.settimeout(0.3)
    with pytest.raises(OSError):        # both are full: it waits
        third.recv(1)
    third.settimeout(WAIT)
    clients[0].close()
    assert third.makefile().readline()  # there is room
    assert not one.all_of("message")
    for client in clients[1:] + [third]:
        client.close()


@pytest.mark.parametrize("policy", POLICIES)
def test_a_full_worker_drops_connections_if_told_to(running, policy):
    one = running(targets.limited, (1, True, HOST), workers=1, policy=policy)
    port = one.port()
    with open_client(port) as first, open_client(port) as second:
        assert first.makefile().readline()
        assert second.makefile().read() == ""
        assert one.messages(1) == [("drop", second.getsockname()[1])]


@pytest.mark.parametrize("policy", POLICIES)
def test_connections_are_counted_over_all_workers(running, policy):
    one = running(targets.introduce_at, (HOST,), policy=policy)
    port = one.port()
    assert one.cluster.get_connections() == 0
    clients = [open_client(port) for _ in range(7)]
    for client in clients:
        client.makefile().readline()
    told = []
    done = threading.Event()
    assert one.cluster.get_connections(lambda *args: (told.append(args), done.set())) == 7
    assert done.wait(WAIT) and told == [(None, 7)]
    for client in clients:
        client.close()
    eventually(lambda: one.cluster.get_connections() == 0, WAIT)


# ---- messages and events ----

@pytest.mark.parametrize("method", METHODS)
def test_messages_both_ways(running, method):
    one = running(targets.answer_messages, context=method)
    for worker in one.workers():
        assert worker.send({"number": worker.id, "bytes": b"\0" * 100000})
    assert sorted((told[0]["number"],) + told[1:] for told in one.messages(2)) == [
        (worker.id, worker.id, True, False) for worker in one.workers()]


@pytest.mark.parametrize("how", ["listener", "wait_for"])
def test_messages_wait_until_the_worker_listens(running, how):
    one = running(targets.listen_late, (how,), workers=1)
    for number in range(3):
        one.workers()[0].send(number)           # its target has not begun
    one.workers()[0].send("now")
    assert one.messages(4) == [0, 1, 2, "now"]


def test_the_last_exit_is_delivered_before_shutdown_returns(running):
    one = running(targets.wait_for_disconnect, workers=2)
    told = []

    def slow(worker, *how):
        time.sleep(0.2)
        told.append(worker.id)

    one.cluster.on("exit", slow)
    one.cluster.shutdown()
    assert sorted(told) == [1, 2]


def test_a_listener_of_the_cluster_may_shut_it_down(running):
    one = running(targets.wait_for_disconnect, workers=1)
    returned = []
    one.cluster.on("online", lambda worker: returned.append(one.cluster.shutdown()))
    one.cluster.wait(WAIT)
    assert returned == [0]


def test_many_large_messages_arrive_in_order(running):
    one = running(targets.send_much, (200, 100000), workers=2)
    one.until(lambda: len(one.all_of("message")) == 400)
    for worker in one.workers():
        assert [told[2][0] for told in one.all_of("message") if told[1] == worker.id] == list(range(200))


def test_events_of_a_life(running):
    one = running(targets.echo_at, (HOST,), workers=1)
    one.port()
    worker, = one.workers()
    told = []
    for event in ("online", "disconnect", "exit"):
        worker.on(event, lambda *args, event=event: told.append((event,) + args))
    worker.disconnect()
    assert worker.wait_for("exit", WAIT) == (0, None)
    one.cluster.wait(WAIT)
    one.until(lambda: one.all_of("exit"))
    assert [event[0] for event in one.events] == ["fork", "online", "listening", "disconnect", "exit"]
    eventually(lambda: len(told) == 3)
    assert told == [("online",), ("disconnect",), ("exit", 0, None)]
    assert not worker.connected and worker.pid == worker.process.pid and worker.process.exitcode == 0
    with pytest.raises(OSError, match="closed"):
        worker.send("too late")


def test_a_primary_knows_that_it_is_one():
    assert cluster.is_primary and not cluster.is_worker and cluster.worker is None
    with pytest.raises(AttributeError):
        cluster.no_such_name


def test_a_cluster_is_a_handle():
    one = Running(targets.wait_for_disconnect, workers=1)
    one.cluster.start()
    assert netcompat.stats()["handles"] == {"cluster": 1}
    worker, = one.workers()
    one.until(lambda: one.all_of("online"))
    netcompat.shutdown(WAIT)
    assert worker.process.exitcode == -9
    assert netcompat.stats()["handles"] == {}


def test_no_signal_handler_is_installed(running):
    import signal
    before = [signal.getsignal(number) for number in range(1, signal.NSIG)]
    running(targets.wait_for_disconnect)
    assert [signal.getsignal(number) for number in range(1, signal.NSIG)] == before


# ---- bad input ----

@pytest.mark.parametrize("options, code", [
    ({"workers": 0}, "ERR_OUT_OF_RANGE"),
    ({"workers": True}, "ERR_INVALID_ARG_TYPE"),
    ({"workers": "2"}, "ERR_INVALID_ARG_TYPE"),
    ({"policy": "random"}, "ERR_INVALID_ARG_VALUE"),
    ({"context": "thread"}, "ERR_INVALID_ARG_VALUE"),
    ({"context": 5}, "ERR_INVALID_ARG_TYPE"),
    ({"grace": -1}, "ERR_OUT_OF_RANGE"),
    ({"grace": None}, "ERR_INVALID_ARG_TYPE"),
    ({"args": 5}, "ERR_INVALID_ARG_TYPE"),
])
def test_bad_options(options, code):
    with pytest.raises((TypeError, ValueError)) as caught:
        Cluster(targets.return_at_once, **options)
    assert caught.value.code == code


def test_a_target_that_cannot_be_called():
    with pytest.raises(TypeError) as caught:
        Cluster("serve")
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_a_target_that_cannot_be_pickled(method):
    one = Cluster(lambda: None, workers=2, context=method)
    with pytest.raises(ValueError, match='The "target" argument and its arguments must be something that can be pickled'
                                         " for the start method '{}'".format(method)) as caught:
        one.start()
    assert caught.value.code == "ERR_INVALID_ARG_VALUE"
    assert one.workers == {}


def test_a_cluster_is_started_once(running):
    one = running(targets.wait_for_disconnect)
    with pytest.raises(RuntimeError, match="started once"):
        one.cluster.start()
    one.cluster.shutdown()
    with pytest.raises(RuntimeError, match="started once"):
        one.cluster.start()
    with pytest.raises(RuntimeError, match="does not run"):
        one.cluster.restart()
    assert one.cluster.shutdown() == 0


def test_waiting_for_what_was_not_started():
    with pytest.raises(RuntimeError, match="was not started"):
        Cluster(targets.return_at_once).wait()
    assert Cluster(targets.return_at_once).shutdown() == 0


@pytest.mark.parametrize("message", [lambda: None, threading.Lock(), os], ids=["lambda", "lock", "module"])
def test_a_message_that_cannot_be_pickled(running, message):
    one = running(targets.wait_for_disconnect, workers=1)
    with pytest.raises(ValueError, match="must be something that can be pickled") as caught:
        one.workers()[0].send(message)
    assert caught.value.code == "ERR_INVALID_ARG_VALUE"


@pytest.mark.parametrize("signal", [0, -1, 1000, "SIGTERM", None])
def test_a_signal_that_is_none(running, signal):
    one = running(targets.wait_for_disconnect, workers=1)
    with pytest.raises((TypeError, ValueError)):
        one.workers()[0].kill(signal)
