"""What the system may do to any call, done to ours: nothing is lost but what an error names, nobody else suffers."""
import errno
import os
import socket
import threading
import time

import pytest
from conftest import eventually
from connections import WAIT, Told, connected
from injection import Faulty, all_sends, inject, name_of, raising, short

import netcompat
from netcompat import connecting
from netcompat.runtime import clock
from netcompat.runtime.reactor import reactor

PAYLOAD = bytes(range(256)) * 40
ROUNDS = 20


@pytest.fixture(params=["tcp", pytest.param("unix", marks=pytest.mark.skipif(not hasattr(socket, "AF_UNIX"),
                                                                             reason="no Unix-domain sockets"))])
def pair(request, ipc_path):
    yield from connected(request.param, ipc_path)


@pytest.fixture
def echo():
    """A server that sends everything back."""
    server = netcompat.create_server(lambda sock: sock.on("data", sock.write).on("error", lambda problem: None))
    server.listen(0, "127.0.0.1").wait_for("listening", WAIT)
    yield server
    server.close()
    server.close_all_connections()


def dial(server):
    sock = socket.create_connection((server.address().address, server.address().port), WAIT)
    sock.settimeout(WAIT)
    return sock


def serves(server, message=b"still there"):
    with dial(server) as client:
        client.sendall(message)
        return client.recv(len(message), socket.MSG_WAITALL) == message


def exchange(pair):
    """Both ways at once, in many writes: all arrives, each callback once and in order."""
    sock, peer = pair
    received, done = [], threading.Event()
    told = []
    sock.on("data", lambda chunk: (received.append(chunk), sum(map(len, received)) >= len(PAYLOAD) and done.set()))
    sending = threading.Thread(target=peer.socket.sendall, args=(PAYLOAD,))
    sending.start()
    for number in range(ROUNDS):
        part = PAYLOAD[number * len(PAYLOAD) // ROUNDS:(number + 1) * len(PAYLOAD) // ROUNDS]
        sock.write(part, callback=lambda problem, number=number: told.append((number, problem)))
    assert peer.read(len(PAYLOAD)) == PAYLOAD
    assert done.wait(WAIT) and b"".join(received) == PAYLOAD
    sending.join(WAIT)
    eventually(lambda: len(told) == ROUNDS)
    assert told == [(number, None) for number in range(ROUNDS)]


# ---- calls that do less, or later ----

def test_short_sends_and_receives_lose_nothing(pair):
    faulty = inject(pair[0], recv=short(40), **all_sends(lambda: short(40)))
    exchange(pair)
    assert faulty.calls["recv"] > 200 and faulty.calls["send"] + faulty.calls["sendmsg"] > 200


@pytest.mark.parametrize("number", [errno.EINTR, errno.EAGAIN], ids=["EINTR", "EAGAIN"])
def test_calls_that_want_to_be_made_again_lose_nothing(pair, number):
    faulty = inject(pair[0], recv=raising(number, lambda call: call % 3 != 2),
                    **all_sends(lambda: raising(number, lambda call: call % 3 != 2)))
    exchange(pair)
    assert faulty.calls["recv"] >= 3 and faulty.calls["send"] + faulty.calls["sendmsg"] >= 3


def test_no_buffer_space_for_a_while_loses_nothing(pair):
    inject(pair[0], **all_sends(lambda: raising(errno.ENOBUFS, lambda call: call % 5 != 4)))
    exchange(pair)


def test_a_kernel_that_has_room_and_takes_nothing_costs_no_processor_time(pair):
    sock, peer = pair
    storm = threading.Event()
    faulty = inject(sock, **all_sends(lambda: raising(errno.EAGAIN, lambda call: not storm.is_set())))
    assert sock.write(b"at last") is False
    before = netcompat.stats()["reactor_wakeups"]
    time.sleep(0.3)         # what is watched is how often it tries
    assert faulty.calls["send"] < 100 and netcompat.stats()["reactor_wakeups"] - before < 200
    storm.set()
    assert peer.read(7) == b"at last"
    sock.wait_for("drain", WAIT)


def test_one_byte_at_a_time_both_ways_loses_nothing(pair):
    sock, peer = pair
    message = PAYLOAD[:2000]
    inject(sock, recv=short(1), **all_sends(lambda: short(1)))
    back = []
    sock.on("data", lambda chunk: (back.append(chunk), sock.write(chunk)))

    def drip():
        for place in range(len(message)):
            peer.socket.sendall(message[place:place + 1])
    dripping = threading.Thread(target=drip)
    dripping.start()
    assert b"".join(peer.socket.recv(1) for _ in message) == message
    dripping.join(WAIT)
    assert b"".join(back) == message


# ---- calls that fail ----

@pytest.mark.parametrize("number", [errno.ENOMEM, errno.EPIPE, errno.ETIMEDOUT, errno.EHOSTUNREACH],
                         ids=name_of)
def test_a_send_that_fails_is_told_to_its_callback_and_costs_the_connection(pair, number):
    sock, peer = pair
    told = Told().listen(sock, "error", "close")
    inject(sock, send=raising(number, lambda call: call == 1))
    sock.write(b"delivered", callback=told.callback("first"))
    sock.write(b"lost", callback=told.callback("second"))
    code = name_of(number)
    told.until("first", ("second", code), ("error", code), "close")
    assert peer.read_all() == b"delivered"


@pytest.mark.parametrize("number", [errno.ENOMEM, errno.ENOBUFS, errno.ECONNRESET, errno.ETIMEDOUT],
                         ids=name_of)
def test_a_receive_that_fails_is_an_error_after_all_that_came_before(pair, number):
    sock, peer = pair
    told = Told().listen(sock, "error", "close")
    inject(sock, recv=raising(number, lambda call: call == 1))
    sock.on("data", told.add)
    peer.socket.sendall(b"first")
    told.until(b"first")
    peer.socket.sendall(b"second")
    told.until(b"first", ("error", name_of(number)), "close")


def test_no_memory_for_what_came_is_an_error_of_that_connection(pair):
    sock, peer = pair
    told = Told().listen(sock, "error", "close")

    def exhausted(real, size):
        raise MemoryError
    inject(sock, recv=exhausted)
    sock.resume()
    peer.socket.sendall(b"too much")
    told.until(("error", "MemoryError()"), "close")


# ---- accept ----

@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.ENETDOWN, errno.ECONNRESET, errno.ENOTCONN,
                                    errno.EINTR, errno.EAGAIN], ids=name_of)
def test_a_connection_that_went_before_it_was_accepted_is_no_error_of_the_server(echo, number):
    told = Told().listen(echo, "error")
    faulty = inject(echo, accept=raising(number, lambda call: call % 2 == 0))
    assert all(serves(echo) for _ in range(5))
    assert faulty.calls["accept"] >= 10 and told.all == []


@pytest.mark.parametrize("number", [errno.ENFILE, errno.EMFILE, errno.ENOBUFS, errno.ENOMEM], ids=name_of)
def test_a_system_at_its_limit_is_one_error_and_everybody_is_served_later(echo, number):
    told = Told().listen(echo, "error")
    inject(echo, accept=raising(number, lambda call: call < 4))
    clients = [dial(echo) for _ in range(5)]
    for client in clients:
        client.sendall(b"x")
    assert [client.recv(1) for client in clients] == [b"x"] * 5
    for client in clients:
        client.close()
    assert told.all == [("error", name_of(number))]


def test_an_accept_that_fails_for_good_is_one_error_and_no_spinning(echo):
    told = Told().listen(echo, "error")
    faulty = inject(echo, accept=raising(errno.EINVAL, lambda call: True))
    with dial(echo):
        told.until(("error", "EINVAL"))
        before = faulty.calls["accept"]
        time.sleep(0.5)         # what is watched is how often it tries
        assert faulty.calls["accept"] - before < 20 and told.all == [("error", "EINVAL")]


# ---- connect ----

@pytest.mark.parametrize("number", [errno.ENOBUFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL],
                         ids=name_of)
@pytest.mark.parametrize("call", ["socket", "connect"])
def test_a_connect_that_cannot_be_begun_is_an_error(echo, monkeypatch, call, number):
    written = threading.Event()

    def failing(*_):
        written.wait(WAIT)
        raise OSError(number, os.strerror(number))
    monkeypatch.setattr(connecting, "open_tcp" if call == "socket" else "connect_now", failing)
    sock = netcompat.Socket()
    told = Told().listen(sock, "error", "close")
    sock.connect(echo.address().port, "127.0.0.1")
    sock.write(b"never sent", callback=told.callback("write"))
    written.set()
    told.until(("write", "ERR_SOCKET_CLOSED_BEFORE_CONNECTION"), ("error", name_of(number)), "close")
    monkeypatch.undo()
    assert serves(echo)


def test_an_interrupted_connect_goes_on_in_the_background(echo, monkeypatch):
    real = connecting.open_tcp

    class Interrupted(socket.socket):
        def connect_ex(self, address):
            super().connect_ex(address)
            return errno.EINTR

    def open_tcp(*args):
        sock = real(*args)
        return Interrupted(sock.family, sock.type, sock.proto, sock.detach())
    monkeypatch.setattr(connecting, "open_tcp", open_tcp)
    sock = netcompat.connect(echo.address().port, "127.0.0.1")
    sock.sendall(b"x", WAIT)
    assert sock.recv(1, WAIT) == b"x"
    sock.destroy()


# ---- the selector ----

@pytest.mark.parametrize("problem", [OSError(errno.EBADF, "bad"), OSError(errno.ENOMEM, "none"), ValueError("odd"),
                                     OSError(errno.EINTR, "interrupted")], ids=repr)
def test_a_selector_that_raises_costs_nobody_a_byte(pair, monkeypatch, problem):
    raised = []

    def fault(real, *arguments):
        if len(raised) < 5:
            raised.append(None)
            raise problem
        return real(*arguments)

    def failing():
        if reactor._epoll is not None:          # it is asked past its selector
            reactor._epoll = Faulty(reactor._epoll, poll=fault)
        else:
            real = reactor._selector.select
            reactor._selector.select = lambda timeout=None: fault(real, timeout)
    open_again = reactor._open

    def opened():
        open_again()
        failing()
    reactor.call_soon(failing)
    monkeypatch.setattr(reactor, "_open", opened)       # the one that takes its place fails, too
    exchange(pair)
    eventually(lambda: len(raised) == 5)


def test_a_selector_that_cannot_be_replaced_at_once_is_replaced_later(pair, monkeypatch):
    failures = []
    real = reactor._open

    def no_descriptor():
        if len(failures) < 3:
            failures.append(None)
            raise OSError(errno.EMFILE, "none left")
        real()
    monkeypatch.setattr(reactor, "_open", no_descriptor)
    reactor.call_soon(reactor._survive, OSError(errno.EBADF, "bad"))
    eventually(lambda: len(failures) == 3)
    exchange(pair)


# ---- the clock ----

@pytest.mark.parametrize("jump", [86400.0, -86400.0], ids=["forward", "backward"])
def test_a_jump_of_the_wall_clock_is_not_noticed(pair, monkeypatch, jump):
    sock, _ = pair
    real, fired = time.time, Told()
    sock.set_timeout(200, lambda: fired.add("timeout"))
    began = time.monotonic()
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    fired.until("timeout")
    assert time.monotonic() - began >= 0.19
    exchange(pair)


def test_after_a_sleep_of_the_machine_idle_times_are_over_and_connections_work(pair, monkeypatch):
    sock, _ = pair
    real, fired = clock.monotonic, Told()
    sock.set_timeout(3600000, lambda: fired.add("timeout"))
    for module in ("socket", "runtime.reactor"):
        monkeypatch.setattr(f"netcompat.{module}.monotonic", lambda: real() + 4000)
    reactor.nudge()
    fired.until("timeout")
    exchange(pair)


# ---- DNS ----

def test_a_name_server_that_hangs_holds_up_nobody_else(echo):
    port, release = echo.address().port, threading.Event()

    def hanging(hostname, **_):
        release.wait(WAIT)
        return "127.0.0.1"
    stuck = [netcompat.connect(port, "stuck", lookup=hanging) for _ in range(10)]
    told = [Told().listen(sock, "error", "close") for sock in stuck]
    quick = netcompat.connect(port, "quick", lookup=lambda hostname, **_: "127.0.0.1")
    quick.sendall(b"x", WAIT)
    assert quick.recv(1, WAIT) == b"x"
    quick.destroy()
    assert serves(echo)
    for sock, heard in zip(stuck, told):                # giving up does not wait for the answer
        sock.destroy()
        heard.until("close")
    release.set()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "netcompat-resolver"])


def test_shutdown_does_not_wait_for_a_name_server(echo):
    release = threading.Event()

    def hanging(hostname, **_):
        release.wait(WAIT)
    sock = netcompat.connect(echo.address().port, "stuck", lookup=hanging)
    told = Told().listen(sock, "error", "close")
    began = time.monotonic()
    netcompat.shutdown(WAIT)
    assert time.monotonic() - began < WAIT / 2
    told.until("close")
    release.set()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "netcompat-resolver"])
