"""Handles that go to another process: through a connection, as arguments of a process, and to a forked child."""
import gc
import multiprocessing
import os
import pickle
import socket

import pytest

import cluster_targets as targets
import netcompat
from cluster_helpers import METHODS, ask, helpers_of_multiprocessing, open_client, read_all
from cluster_targets import WAIT
from conftest import eventually, open_descriptors
from netcompat.cluster import passing, recv_handle, send_handle, share


class Handles:
    """A socket that has read something, a server that listens, a bound socket; and the peer of the first."""

    def __init__(self):
        server = netcompat.create_server(pause_on_connect=True).listen(0, "127.0.0.1")
        self.peer = open_client(server.address().port)
        self.socket = server.accept(WAIT)
        server.close()
        self.peer.sendall(b"early bytes")
        self.socket.once("readable", lambda: None)
        eventually(lambda: self.socket.readable_length == 11)
        self.server = netcompat.create_server().listen(0, "127.0.0.1")
        self.bound = netcompat.BoundSocket(port=0, host="127.0.0.1")
        self.port, self.bound_port = self.server.address().port, self.bound.address().port

    def all(self):
        return self.socket, self.server, self.bound

    def check(self, ready):
        """They work in the child, and the server goes on here."""
        assert ready.poll(WAIT) and ready.recv() == "ready"
        assert read_all(self.peer) == b"read before: early bytes"
        self.peer.close()
        assert ask(self.bound_port) == b"bound"
        self.server.close()
        assert ask(self.port) == b"server"
        ready.send("end")


@pytest.fixture
def handles():
    made = Handles()
    yield made
    made.peer.close()
    made.bound.close()


@pytest.fixture
def pipe():
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


def run_child(method, target, *args):
    process = multiprocessing.get_context(method).Process(target=target, args=args)
    process.start()
    return process


def join(process):
    process.join(WAIT)
    assert process.exitcode == 0
    process.close()


@pytest.mark.parametrize("method", METHODS)
def test_through_a_connection(handles, pipe, method):
    ours, theirs = pipe
    process = run_child(method, targets.receiving_child, theirs)
    for handle in handles.all():
        send_handle(ours, handle)
    handles.socket.wait_for("close", WAIT)
    assert handles.server.listening
    handles.check(ours)
    join(process)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_as_arguments_of_a_process(handles, pipe, method):
    ours, theirs = pipe
    process = run_child(method, targets.arguments_child, theirs, *handles.all())
    handles.check(ours)
    join(process)


@pytest.mark.parametrize("method", METHODS)
def test_shared_with_a_child(handles, pipe, method):
    ours, theirs = pipe
    shared = [share(handle) for handle in handles.all()]
    process = run_child(method, targets.shared_child, theirs, *shared)
    for duplicate in shared:
        duplicate.close()
    handles.check(ours)
    join(process)


def test_no_descriptor_is_left_of_a_process_that_cannot_be_started(handles):
    context = multiprocessing.get_context("spawn")
    before = len(open_descriptors())
    with pytest.raises((AttributeError, pickle.PicklingError)):
        context.Process(target=targets.arguments_child, args=(handles.socket, lambda: None)).start()
    gc.collect()            # the exception's traceback may have kept the process object
    eventually(lambda: len(open_descriptors()) < before)        # the connection moved, and nobody can get it any more
    assert handles.peer.recv(1) == b""


def test_no_descriptor_is_left_of_a_shutdown_while_a_process_starts(handles, pipe, monkeypatch):
    monkeypatch.setattr(passing, "_LOOK", 60.0)         # nothing looks whether the process has its own by now
    ours, theirs = pipe
    before = len(open_descriptors())
    process = run_child("spawn", targets.arguments_child, theirs, *handles.all())
    handles.check(ours)
    join(process)
    netcompat.shutdown()        # a socket that is only let go of would complain
    gc.collect()
    eventually(lambda: len(open_descriptors()) < before)


def test_what_was_decoded_is_bytes_again(pipe):
    near, far = socket.socketpair()
    sent = netcompat.Socket(handle=near)
    sent.set_encoding("utf-8")
    far.sendall("né".encode() + "€".encode()[:2])
    sent.once("readable", lambda: None)
    eventually(lambda: sent.readable_length == 2)
    send_handle(pipe[0], sent)
    received = recv_handle(pipe[1])
    far.sendall("€".encode()[2:])
    far.close()
    assert b"".join(received) == "né€".encode()
    received.destroy()


def test_the_end_is_noticed_without_reading(pipe):
    near, far = socket.socketpair()
    send_handle(pipe[0], netcompat.Socket(handle=near))
    received = recv_handle(pipe[1])
    received.end()
    far.close()
    received.wait_for("close", WAIT)


def test_a_half_closed_connection_stays_half_closed(pipe):
    near, far = socket.socketpair()
    sent = netcompat.Socket(handle=near, allow_half_open=True)
    sent.end(b"all")
    assert read_all(far) == b"all"
    send_handle(pipe[0], sent)
    received = recv_handle(pipe[1])
    assert not received.writable and received.readable
    far.sendall(b"answer")
    far.close()
    assert b"".join(received) == b"answer"
    received.wait_for("close", WAIT)


def test_a_servers_options_go_along(pipe):
    server = netcompat.create_server(allow_half_open=True, pause_on_connect=True).listen(0, "127.0.0.1")
    server.max_connections = 3
    send_handle(pipe[0], server)
    received = recv_handle(pipe[1])
    assert received.address() == server.address()
    assert received.allow_half_open and received.pause_on_connect and received.max_connections == 3
    server.close()
    assert received.listening
    received.close()


def test_a_bound_path_is_removed_by_who_has_it_last(pipe, ipc_path):
    bound = netcompat.BoundSocket(path=ipc_path)
    send_handle(pipe[0], bound)
    received = recv_handle(pipe[1])
    bound.close()
    assert os.path.exists(ipc_path) and received.address() == ipc_path
    received.close()
    assert not os.path.exists(ipc_path)


# ---- bad input ----

def test_a_handle_that_was_sent_before(handles, pipe):
    send_handle(pipe[0], handles.socket)
    recv_handle(pipe[1]).destroy()
    with pytest.raises(OSError) as caught:
        send_handle(pipe[0], handles.socket)
    assert caught.value.code == "ERR_SOCKET_CLOSED" and "a socket is sent once" in caught.value.__notes__[0]
    send_handle(pipe[0], handles.bound)
    recv_handle(pipe[1]).close()
    with pytest.raises(RuntimeError) as caught:
        send_handle(pipe[0], handles.bound)
    assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"
    for _ in range(2):                  # a server is shared, as often as one likes
        send_handle(pipe[0], handles.server)
        recv_handle(pipe[1]).close()


def test_handles_that_are_not_open(pipe):
    for handle, code in [(netcompat.Socket(), "ERR_SOCKET_CLOSED"), (netcompat.Server(), "ERR_SERVER_NOT_RUNNING")]:
        with pytest.raises((OSError, RuntimeError)) as caught:
            send_handle(pipe[0], handle)
        assert caught.value.code == code


@pytest.mark.parametrize("what", [None, 5, "socket", socket])
def test_what_is_no_handle(pipe, what):
    with pytest.raises(TypeError) as caught:
        send_handle(pipe[0], what)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"


def test_what_is_no_connection(handles):
    with pytest.raises(TypeError) as caught:
        send_handle(handles.peer, handles.socket)
    assert caught.value.code == "ERR_INVALID_ARG_TYPE"
    receive, send = multiprocessing.Pipe(False)
    with receive, send, pytest.raises(ValueError, match="must be duplex"):
        send_handle(send, handles.socket)
    assert not handles.socket.destroyed


def test_something_else_came(pipe):
    pipe[0].send("no handle")
    with pytest.raises(RuntimeError, match="something else") as caught:
        recv_handle(pipe[1])
    assert caught.value.code == "ERR_INVALID_STATE"


def test_the_other_end_is_closed(pipe, handles):
    pipe[0].close()
    with pytest.raises(EOFError):
        recv_handle(pipe[1])
    with pytest.raises(OSError):
        send_handle(pipe[1], handles.socket)
    assert handles.peer.recv(1) == b""          # nobody has the connection any more


def test_a_handle_is_pickled_for_a_process_only(handles):
    from multiprocessing.reduction import ForkingPickler
    with pytest.raises(TypeError, match="argument of a multiprocessing.Process only"):
        ForkingPickler.dumps(handles.server)
    with share(handles.server) as shared, pytest.raises(TypeError, match="argument of a multiprocessing.Process only"):
        pickle.dumps(shared)
    handles.server.close()


def test_a_shared_handle_is_opened_once(handles):
    shared = share(handles.server)
    shared.open().close()
    for call in (shared.open, lambda: pickle.dumps(shared)):
        with pytest.raises(RuntimeError) as caught:
            call()
        assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"
    shared.close()
    handles.server.close()
