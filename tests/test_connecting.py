"""From a name to a connection: look-up, the race between addresses, time-outs, and giving up at every stage."""
import errno
import socket
import threading
import time

import pytest
from conftest import eventually
from connections import on_wine
from namespaces import TUN, in_namespace, linux

import netcompat
from netcompat import (AbortController, AggregateError, BlockList, BoundSocket, Socket, connect, connecting,
                       create_connection, create_server)

WAIT = 10.0
STEPS = ("lookup", "connectionAttempt", "connectionAttemptFailed", "connectionAttemptTimeout", "connect", "ready",
         "error",
         "close")


class Trace:
    """What a socket tells of its connecting, in order; errors by their code."""

    def __init__(self, sock, events=STEPS):
        self.events, self.over, self.connected = [], threading.Event(), threading.Event()
        self.times = []
        for event in events:
            sock.on(event, self.listener(event))

    def listener(self, event):
        def heard(*args):
            self.times.append((event, time.monotonic()))
            self.events.append((event,) + tuple(getattr(arg, "code", arg) for arg in args))
            if event == "close":
                self.over.set()
            elif event == "ready":
                self.connected.set()
        return heard

    def names(self):
        return [event[0] for event in self.events]

    def until_close(self):
        assert self.over.wait(WAIT), self.events
        return self.events

    def until_ready(self):
        assert self.connected.wait(WAIT), self.events
        return self.events


def answer(*addresses):
    """A look-up with this result."""
    def lookup(hostname, **options):
        return list(addresses)
    return lookup


@pytest.fixture
def server():
    return create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")


def failed(**options):
    """The trace of a connect that fails."""
    sock = Socket()
    trace = Trace(sock)
    errors = []
    sock.prepend_listener("error", errors.append)
    sock.connect(**options)
    trace.until_close()
    trace.error, = errors
    trace.sock = sock
    return trace


# --- plain connects ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", [
    lambda port: connect(port), lambda port: connect(str(port)), lambda port: connect(port, "127.0.0.1"),
    lambda port: connect(port=port, host="127.0.0.1"), lambda port: Socket().connect(port, "127.0.0.1"),
    lambda port: create_connection(port, "localhost"), lambda port: connect(port=str(port)),
])
def test_forms(server, form):
    sock = form(server.address().port)
    assert sock.connecting and sock.pending and sock.ready_state == "opening"
    sock.write(b"x")
    assert sock.recv(1, WAIT) == b"x"
    sock.wait_for("connect", WAIT)
    assert not sock.connecting and not sock.pending and sock.ready_state == "open"
    assert (sock.remote_address, sock.remote_port) == ("127.0.0.1", server.address().port)
    sock.destroy()


@pytest.mark.parametrize("form", [
    lambda port, call: connect(port, call), lambda port, call: connect(port, "127.0.0.1", call),
    lambda port, call: connect(port=port, connect_listener=call), lambda port, call: Socket().connect(port, call)])
def test_the_listener_hears_connect_once(server, form):
    calls, heard = [], threading.Event()
    sock = form(server.address().port, lambda *args: (calls.append(args), heard.set()))
    assert heard.wait(WAIT)
    assert calls == [()] and sock.listener_count("connect") == 0
    sock.destroy()


def test_an_address_tells_its_attempt_and_no_lookup(server):
    port = server.address().port
    sock = Socket()
    trace = Trace(sock)         # before it connects: steps are told to late listeners only while they lead somewhere
    sock.connect(port, "127.0.0.1")
    trace.until_ready()
    sock.destroy()
    assert trace.until_close() == [("connectionAttempt", "127.0.0.1", port, 4), ("connect",), ("ready",),
                                   ("close", False)]


def test_refused(tcp_address):
    host, port = tcp_address
    trace = failed(port=port, host=host)
    assert trace.events == [("connectionAttempt", host, port, 4),
                            ("connectionAttemptFailed", host, port, 4, "ECONNREFUSED"),
                            ("error", "ECONNREFUSED"), ("close", True)]
    error = trace.error
    assert isinstance(error, ConnectionRefusedError) and error.errno == errno.ECONNREFUSED
    assert str(error) == "connect ECONNREFUSED {}:{}".format(host, port)
    assert (error.syscall, error.address, error.port) == ("connect", host, port)


def test_an_unknown_host():
    trace = failed(port=1, host="does-not-exist.invalid")
    error = trace.error
    assert isinstance(error, socket.gaierror) and error.code in ("ENOTFOUND", "EAI_AGAIN")
    assert error.syscall == "getaddrinfo" and error.hostname == "does-not-exist.invalid"
    assert trace.events == [("lookup", error.code, None, None, "does-not-exist.invalid"), ("error", error.code),
                            ("close", True)]


@pytest.mark.parametrize("host", ["a" * 300, "a..b", "\udcff"])
def test_a_name_that_no_server_can_be_asked_for(host):
    assert failed(port=1, host=host).error.code == "ENOTFOUND"


def test_late_listeners_get_the_steps_told_while_connecting():
    answered, added = threading.Event(), threading.Event()

    def lookup(hostname, **options):
        return [("127.0.0.1", 4)]
    sock = Socket()
    sock.once("connectionAttemptFailed", lambda *args: (answered.set(), added.wait(WAIT)))
    sock.on("error", lambda error: None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        sock.connect(port=probe.getsockname()[1], host="x", lookup=lookup)
        assert answered.wait(WAIT)
        late = Trace(sock)
        added.set()
        expected = ["close", "connectionAttempt", "connectionAttemptFailed", "error", "lookup"]
        eventually(lambda: sorted(late.names()) == expected)        # 'close' need not be the last for who is late


def test_after_connect_the_steps_are_not_told_any_more(server):
    sock = connect(server.address().port)
    sock.wait_for("ready", WAIT)
    late = Trace(sock, ("lookup", "connectionAttempt", "close"))
    sock.destroy()
    assert late.until_close() == [("close", False)]


# --- look-up ----------------------------------------------------------------------------------------------------------

def test_lookup_is_asked_on_a_thread_of_its_own(server):
    asked = []

    def lookup(hostname, *, family, hints, all):
        asked.append((hostname, family, hints, all, threading.current_thread().name))
        return "127.0.0.1"
    sock = connect(port=server.address().port, host="some.name", lookup=lookup, family=4, hints=socket.AI_ADDRCONFIG)
    sock.wait_for("connect", WAIT)
    assert asked == [("some.name", 4, int(socket.AI_ADDRCONFIG), False, "netcompat-resolver")]
    sock.destroy()


def test_lookup_is_asked_for_all_addresses_when_families_race(server):
    asked = []

    def lookup(hostname, *, family, hints, all):
        asked.append(all)
        return "127.0.0.1"
    for race in (True, False):
        sock = connect(port=server.address().port, host="x", lookup=lookup, auto_select_family=race)
        sock.wait_for("connect", WAIT)
        sock.destroy()
    assert asked == [True, False]


@pytest.mark.parametrize("result", [
    "127.0.0.1", ("127.0.0.1", 4), [("127.0.0.1", 4)], ["127.0.0.1"], (("127.0.0.1", 4),), ("127.0.0.1", "IPv4"),
    ("127.0.0.1", socket.AF_INET), [("127.0.0.1", 4), ("::1", 6)]], ids=repr)
def test_what_a_lookup_may_return(server, result):
    sock = Socket()
    trace = Trace(sock, ("lookup", "connectionAttempt", "ready"))
    sock.connect(port=server.address().port, host="name", lookup=lambda hostname, **options: result)
    assert trace.until_ready()[0] == ("lookup", None, "127.0.0.1", 4, "name")
    sock.destroy()


@pytest.mark.parametrize("race", [True, False])
@pytest.mark.parametrize("result, code", [
    (None, "ERR_INVALID_IP_ADDRESS"), (42, "ERR_INVALID_IP_ADDRESS"), ("nonsense", "ERR_INVALID_IP_ADDRESS"),
    (("nonsense", 4), "ERR_INVALID_IP_ADDRESS"), ([("", 4)], "ERR_INVALID_IP_ADDRESS"),
    ([None], "ERR_INVALID_IP_ADDRESS"), (b"127.0.0.1", "ERR_INVALID_IP_ADDRESS"),
    (("127.0.0.1", 7), "ERR_INVALID_ADDRESS_FAMILY"), ([("127.0.0.1", None)], "ERR_INVALID_ADDRESS_FAMILY"),
    (("127.0.0.1", []), "ERR_INVALID_ADDRESS_FAMILY"), ([], "ENOTFOUND"), ((), "ENOTFOUND")], ids=repr)
def test_what_a_lookup_must_not_return(result, code, race):
    trace = failed(port=1, host="x", lookup=lambda hostname, **options: result, auto_select_family=race)
    assert trace.error.code == code
    assert "connectionAttempt" not in trace.names()


def test_what_a_lookup_raises_is_passed_on_as_the_same_object():
    problem = RuntimeError("no such luck")

    def lookup(hostname, **options):
        raise problem
    sock, heard = Socket(), []
    sock.on("lookup", lambda *args: heard.append(args))
    sock.connect(port=1, host="x", lookup=lookup)
    with pytest.raises(RuntimeError) as caught:
        sock.wait_for("connect", WAIT)
    assert caught.value is problem
    assert heard == [(problem, None, None, "x")]


def test_a_blocking_lookup_does_not_delay_others(server):
    release = threading.Event()

    def lookup(hostname, **options):
        release.wait(WAIT)
        return "127.0.0.1"
    slow = [connect(port=server.address().port, host="x", lookup=lookup) for _ in range(3)]
    quick = connect(server.address().port, "127.0.0.1")
    quick.wait_for("connect", WAIT)
    assert all(sock.connecting for sock in slow)
    release.set()
    for sock in slow:
        sock.wait_for("connect", WAIT)
        sock.destroy()
    quick.destroy()


@pytest.mark.parametrize("family, expected", [(4, [socket.AF_INET]), (6, [socket.AF_INET6]),
                                              ("IPv6", [socket.AF_INET6]),
                                              (0, [socket.AF_UNSPEC])])
def test_family_restricts_the_systems_lookup(monkeypatch, family, expected):
    asked = []

    def getaddrinfo(host, port, kind=0, *rest):
        asked.append(kind)
        raise socket.gaierror(socket.EAI_NONAME, "none")
    monkeypatch.setattr(connecting.socket, "getaddrinfo", getaddrinfo)
    failed(port=1, host="name", family=family)
    assert asked == expected


def test_families_alternate_the_first_ones_family_first():
    pairs = [("::1", 6), ("::2", 6), ("::3", 6), ("10.0.0.1", 4), ("10.0.0.2", 4)]
    assert [address for address, _ in connecting._alternate(pairs)] == ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]


# --- the local end ----------------------------------------------------------------------------------------------------

def peer_of(server):
    sock, = server.wait_for("connection", WAIT)
    return sock


@linux
def test_local_address_is_what_the_peer_sees():
    server = create_server().listen(0)
    sock = connect(port=server.address().port, host="127.0.0.1", local_address="127.0.0.9")
    assert peer_of(server).remote_address == "::ffff:127.0.0.9"
    sock.wait_for("connect", WAIT)
    assert sock.local_address == "127.0.0.9"
    sock.destroy()


def test_local_port_is_what_the_peer_sees(tcp_address):
    server = create_server().listen(0, "127.0.0.1")
    sock = connect(port=server.address().port, host="127.0.0.1", local_port=tcp_address[1])
    assert peer_of(server).remote_port == tcp_address[1]
    sock.destroy()


def test_a_local_port_in_use_is_a_bind_error(server):
    port = server.address().port
    trace = failed(port=1, host="127.0.0.1", local_address="127.0.0.1", local_port=port)
    assert trace.events == [("error", "EADDRINUSE"), ("close", True)]
    assert trace.error.syscall == "bind" and trace.error.address == "127.0.0.1" and trace.error.port == port
    assert str(trace.error) == "bind EADDRINUSE 127.0.0.1:{}".format(port)


def test_a_local_address_that_is_not_ours_is_a_bind_error():
    trace = failed(port=1, host="127.0.0.1", local_address="192.0.2.1")
    assert str(trace.error) == "bind EADDRNOTAVAIL 192.0.2.1" and trace.error.port is None
    assert trace.names() == ["error", "close"]


@pytest.mark.parametrize("host, local", [("127.0.0.1", "::1"), ("::1", "127.0.0.1")])
def test_a_local_address_of_the_other_family_is_a_bind_error(host, local):
    assert str(failed(port=1, host=host, local_address=local).error) == "bind EINVAL {}".format(local)


def test_a_failure_names_the_local_end(tcp_address):
    host, port = tcp_address
    error = failed(port=port, host=host, local_address="127.0.0.1").error
    assert error.local_address == "127.0.0.1" and error.local_port > 0
    assert str(error) == "connect ECONNREFUSED {}:{} - Local (127.0.0.1:{})".format(host, port, error.local_port)


def test_connecting_from_a_bound_socket():
    server = create_server().listen(0, "127.0.0.1")
    bound = BoundSocket(port=0, host="127.0.0.1")
    own = bound.address().port
    sock = connect(port=server.address().port, host="127.0.0.1", handle=bound)
    assert peer_of(server).remote_port == own
    sock.destroy()


def test_a_bound_socket_is_given_back_when_connecting_is_given_up():
    release = threading.Event()
    bound = BoundSocket(port=0, host="127.0.0.1")
    where = bound.address()
    sock = Socket(handle=bound)
    sock.connect(port=1, host="x", lookup=lambda hostname, **options: release.wait(WAIT) and "127.0.0.1")
    sock.destroy()
    sock.wait_for("close", WAIT)
    release.set()
    with socket.socket() as other:
        other.bind((where.address, where.port))


# --- block list -------------------------------------------------------------------------------------------------------

def blocking(*addresses):
    rules = BlockList()
    for address in addresses:
        rules.add_address(address)
    return rules


def test_a_blocked_address_is_not_connected_to(server):
    trace = failed(port=server.address().port, host="127.0.0.1", block_list=blocking("127.0.0.1"))
    assert trace.error.code == "ERR_IP_BLOCKED" and "127.0.0.1" in str(trace.error)
    assert server.get_connections() == 0


def test_the_block_list_of_the_socket_holds_for_connect(server):
    sock = Socket(block_list=blocking("127.0.0.1"))
    sock.connect(server.address().port, "127.0.0.1")
    with pytest.raises(OSError) as caught:
        sock.wait_for("connect", WAIT)
    assert caught.value.code == "ERR_IP_BLOCKED"


def test_a_blocked_address_loses_the_race_and_another_wins(server):
    sock = Socket()
    trace = Trace(sock)
    port = server.address().port
    sock.connect(port=port, host="x", lookup=answer(("127.0.0.2", 4), ("127.0.0.1", 4)),
                 block_list=blocking("127.0.0.2"))
    trace.until_ready()
    sock.destroy()
    trace.until_close()
    assert ("connectionAttemptFailed", "127.0.0.2", port, 4, "ERR_IP_BLOCKED") in trace.events
    assert ("connectionAttempt", "127.0.0.2", port, 4) not in trace.events
    assert sock.auto_select_family_attempted_addresses == ["127.0.0.1:{}".format(port)]


def test_all_blocked_is_one_aggregate_error():
    trace = failed(port=1, host="x", lookup=answer(("127.0.0.1", 4), ("127.0.0.2", 4)),
                   block_list=blocking("127.0.0.1", "127.0.0.2"))
    assert isinstance(trace.error, AggregateError) and trace.error.code == "ERR_IP_BLOCKED"
    assert len(trace.error.errors) == 2 and trace.sock.auto_select_family_attempted_addresses == []


# --- the race ---------------------------------------------------------------------------------------------------------

def test_all_refused_is_one_aggregate_error_with_every_attempt(tcp_address):
    port = tcp_address[1]
    trace = failed(port=port, host="x", lookup=answer(("127.0.0.1", 4), ("127.0.0.2", 4), ("127.0.0.3", 4)))
    expected = [("lookup", None, "127.0.0.{}".format(number), 4, "x") for number in (1, 2, 3)]
    for number in (1, 2, 3):
        address = "127.0.0.{}".format(number)
        expected += [("connectionAttempt", address, port, 4),
                     ("connectionAttemptFailed", address, port, 4, "ECONNREFUSED")]
    assert trace.events == expected + [("error", "ECONNREFUSED"), ("close", True)]
    assert isinstance(trace.error, AggregateError)
    assert [error.address for error in trace.error.errors] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert all("127.0.0.{}:{}".format(number, port) in str(trace.error) for number in (1, 2, 3))
    assert trace.sock.auto_select_family_attempted_addresses == ["127.0.0.{}:{}".format(n, port) for n in (1, 2, 3)]


def test_a_refused_address_costs_no_time(server):
    sock = connect(port=server.address().port, host="x", lookup=answer(("127.0.0.2", 4), ("127.0.0.1", 4)),
                   auto_select_family_attempt_timeout=5000)
    began = time.monotonic()
    sock.wait_for("connect", WAIT)
    assert time.monotonic() - began < 2.5
    sock.destroy()


def test_without_the_race_only_the_first_address_is_tried(tcp_address):
    trace = failed(port=tcp_address[1], host="x", lookup=answer(("127.0.0.1", 4), ("127.0.0.2", 4)),
                   auto_select_family=False)
    assert trace.names() == ["lookup", "connectionAttempt", "connectionAttemptFailed", "error", "close"]
    assert not isinstance(trace.error, AggregateError)
    assert trace.sock.auto_select_family_attempted_addresses == []


def test_a_single_address_is_no_race(tcp_address):
    trace = failed(port=tcp_address[1], host="x", lookup=answer(("127.0.0.1", 4)))
    assert isinstance(trace.error, ConnectionRefusedError)


class Road:
    """A connector beneath the transport: each address refuses, is dead, or answers when told to.

    An attempt's descriptor is one end of a pair whose buffer is full, so that it does not turn writable; the test
    drains it to let it connect.
    """

    def __init__(self, monkeypatch, refused=(), unbindable=()):
        self.refused, self.unbindable = refused, unbindable
        self.ends, self.opened, self.came = {}, [], threading.Condition()
        monkeypatch.setattr(connecting, "open_tcp", self.open)
        monkeypatch.setattr(connecting, "connect_now", self.connect)

    def open(self, address, local_address, local_port):
        if address in self.unbindable:
            raise OSError(errno.EADDRNOTAVAIL, "not ours")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        try:
            while True:
                ours.send(b"\0" * 65536)
        except BlockingIOError:
            pass
        with self.came:
            self.ends[address] = theirs
            self.opened.append((address, time.monotonic()))
            self.came.notify_all()
        return ours

    def connect(self, sock, sockaddr):
        if sockaddr[0] in self.refused:
            raise OSError(errno.ECONNREFUSED, "refused")
        return False

    def arrive(self, address):
        """The peer at `address` answers."""
        try:
            while self.ends[address].recv(1 << 20):
                pass
        except BlockingIOError:
            pass

    def fail(self, address):
        """The network says no: a pair that is closed with unread bytes is reset."""
        self.ends[address].close()

    def wait_for(self, address):
        with self.came:
            assert self.came.wait_for(lambda: address in self.ends, WAIT)

    def close(self):
        for end in self.ends.values():
            end.close()


@pytest.fixture
def road(monkeypatch):
    made = []

    def make(**options):
        made.append(Road(monkeypatch, **options))
        return made[-1]
    yield make
    netcompat.shutdown(5)
    for one in made:
        one.close()


SLOW, SECOND, THIRD = "10.0.0.1", "10.0.0.2", "10.0.0.3"


def race(*addresses, **options):
    sock = Socket()
    trace = Trace(sock)
    sock.connect(port=80, host="x", lookup=answer(*((address, 4) for address in addresses)),
                 auto_select_family_attempt_timeout=options.pop("timeout", 50), **options)
    return sock, trace


def test_a_dead_first_address_costs_the_attempt_timeout_and_no_more(road):
    way = road()
    sock, trace = race(SLOW, SECOND, timeout=100)
    way.wait_for(SECOND)
    way.arrive(SECOND)
    trace.until_ready()
    (_, first), (_, second) = way.opened
    assert 0.095 <= second - first < 0.6
    assert [event[:2] for event in trace.events[2:]] == [
        ("connectionAttempt", SLOW), ("connectionAttemptTimeout", SLOW), ("connectionAttempt", SECOND), ("connect",),
        ("ready",)]
    assert ("connectionAttemptTimeout", SLOW, 80, 4) in trace.events
    sock.destroy()


def test_an_attempt_whose_time_is_over_stays_in_the_race_and_wins(road):
    way = road()
    sock, trace = race(SLOW, SECOND)
    way.wait_for(SECOND)
    way.arrive(SLOW)
    trace.until_ready()
    assert sock.auto_select_family_attempted_addresses == [SECOND + ":80", SLOW + ":80"]     # the winner stands last
    assert sock.remote_address == SLOW
    sock.write(b"to the slow one")
    assert eventually(lambda: way.ends[SLOW].recv(100)) == b"to the slow one"
    sock.destroy()


def test_a_slow_first_address_wins_when_the_second_is_refused(road):
    way = road(refused=(SECOND,))
    sock, trace = race(SLOW, SECOND)
    way.wait_for(SECOND)
    eventually(lambda: "connectionAttemptFailed" in trace.names())
    assert sock.connecting
    way.arrive(SLOW)
    trace.until_ready()
    assert trace.names() == ["lookup", "lookup", "connectionAttempt", "connectionAttemptTimeout", "connectionAttempt",
                             "connectionAttemptFailed", "connect", "ready"]
    sock.destroy()


def test_the_losers_are_closed(road):
    way = road()
    sock, trace = race(SLOW, SECOND, THIRD)
    way.wait_for(THIRD)
    way.arrive(SECOND)
    trace.until_ready()
    for address in (SLOW, THIRD):
        way.arrive(address)

        def closed(address=address):
            try:
                return way.ends[address].recv(1) == b""
            except BlockingIOError:
                return False
        eventually(closed)
    assert sock.remote_address == SECOND
    sock.destroy()


def test_two_that_answer_in_the_same_moment_give_one_connection(road, fast_switching):
    for _ in range(20):
        way = road()
        sock, trace = race(SLOW, SECOND, timeout=10)
        way.wait_for(SECOND)
        way.arrive(SLOW)
        way.arrive(SECOND)
        trace.until_ready()
        sock.destroy()
        trace.until_close()
        assert trace.names().count("connect") == 1 and "error" not in trace.names()


def test_several_refused_at_once_do_not_start_two_attempts(road):
    way = road(refused=(SLOW, SECOND))
    sock, trace = race(SLOW, SECOND, THIRD, "10.0.0.4", timeout=60000)
    way.wait_for(THIRD)
    way.arrive(THIRD)
    trace.until_ready()
    assert [address for address, _ in way.opened] == [SLOW, SECOND, THIRD]
    sock.destroy()


@on_wine("takes a reset for an end")
def test_the_failure_of_an_old_attempt_does_not_hurry_the_youngest(road):
    way = road()
    sock, trace = race(SLOW, SECOND, THIRD, timeout=300)
    way.wait_for(SECOND)
    second = way.opened[1][1]
    way.fail(SLOW)
    way.wait_for(THIRD)
    assert way.opened[-1][1] - second >= 0.29
    eventually(lambda: "connectionAttempt" in trace.names()[-1])
    assert [event[:2] for event in trace.events if "Failed" in event[0]] == [("connectionAttemptFailed", SLOW)]
    sock.destroy()


@on_wine("takes a reset for an end")
def test_the_failure_of_the_youngest_attempt_starts_the_next_at_once(road):
    way = road()
    sock, trace = race(SLOW, SECOND, timeout=60000)
    way.wait_for(SLOW)
    way.fail(SLOW)
    way.wait_for(SECOND)
    way.arrive(SECOND)
    trace.until_ready()
    assert "connectionAttemptTimeout" not in trace.names()
    sock.destroy()


@on_wine("takes a reset for an end")
def test_the_race_is_lost_when_every_attempt_has_failed(road):
    way = road()
    sock, trace = race(SLOW, SECOND, timeout=20)
    way.wait_for(SECOND)
    way.fail(SECOND)
    eventually(lambda: "connectionAttemptFailed" in trace.names())
    assert sock.connecting and "error" not in trace.names()
    way.fail(SLOW)
    trace.until_close()
    assert sock._error.errors[0].address == SECOND and sock._error.errors[1].address == SLOW
    assert isinstance(sock._error, AggregateError)


def test_an_address_without_local_end_loses_without_an_attempt(road):
    way = road(unbindable=(SLOW,))
    sock, trace = race(SLOW, SECOND, timeout=60000)
    way.wait_for(SECOND)
    way.arrive(SECOND)
    trace.until_ready()
    assert [event[1] for event in trace.events if event[0] == "connectionAttempt"] == [SECOND]
    sock.destroy()


@pytest.mark.parametrize("stage", ["lookup", "connectionAttempt", "connectionAttemptTimeout"])
def test_destroying_in_a_listener_of_the_race(road, stage):
    road()
    sock, trace = Socket(), None
    sock.on(stage, lambda *args: sock.destroy())
    trace = Trace(sock, ("connect", "error", "close"))
    sock.connect(port=80, host="x", lookup=answer((SLOW, 4), (SECOND, 4), (THIRD, 4)),
                 auto_select_family_attempt_timeout=20)
    assert trace.until_close() == [("close", False)]


def test_the_default_attempt_timeout_is_used(road):
    before = netcompat.get_default_auto_select_family_attempt_timeout()
    netcompat.set_default_auto_select_family_attempt_timeout(30)
    try:
        way = road()
        sock = connect(port=80, host="x", lookup=answer((SLOW, 4), (SECOND, 4)))
        way.wait_for(SECOND)
        assert way.opened[1][1] - way.opened[0][1] < 0.24
        sock.destroy()
    finally:
        netcompat.set_default_auto_select_family_attempt_timeout(before)


# --- defaults ---------------------------------------------------------------------------------------------------------

def test_defaults():
    assert netcompat.get_default_auto_select_family() is True
    assert netcompat.get_default_auto_select_family_attempt_timeout() == 250


def test_the_default_race_can_be_turned_off(tcp_address):
    netcompat.set_default_auto_select_family(False)
    try:
        trace = failed(port=tcp_address[1], host="x", lookup=answer(("127.0.0.1", 4), ("127.0.0.2", 4)))
        assert trace.names().count("connectionAttempt") == 1
    finally:
        netcompat.set_default_auto_select_family(True)


def test_an_attempt_timeout_below_10_is_10():
    before = netcompat.get_default_auto_select_family_attempt_timeout()
    netcompat.set_default_auto_select_family_attempt_timeout(1)
    try:
        assert netcompat.get_default_auto_select_family_attempt_timeout() == 10
    finally:
        netcompat.set_default_auto_select_family_attempt_timeout(before)


@pytest.mark.parametrize("environment, expected", [
    ({"NETCOMPAT_AUTO_SELECT_FAMILY": "0"}, "False 250"),
    ({"NETCOMPAT_AUTO_SELECT_FAMILY": "1", "NETCOMPAT_AUTO_SELECT_FAMILY_ATTEMPT_TIMEOUT": "700"}, "True 700"),
    ({"NETCOMPAT_AUTO_SELECT_FAMILY_ATTEMPT_TIMEOUT": "3"}, "True 10"),
    ({"NETCOMPAT_AUTO_SELECT_FAMILY_ATTEMPT_TIMEOUT": "nonsense"}, "True 250"),
])
def test_the_environment_sets_the_defaults(run_script, environment, expected):
    done = run_script("import netcompat as n\n"
                      "print(n.get_default_auto_select_family(), n.get_default_auto_select_family_attempt_timeout())",
                      env=environment)
    assert done.stdout.strip() == expected


# --- real packets -----------------------------------------------------------------------------------------------------

RACE = TUN + """
    import netcompat
    delays[ROAD] = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    server = netcompat.create_server(lambda sock: sock.on('data', sock.write)).listen(8124, '10.77.0.1')
    began = time.monotonic()
    events = []

    def go(*addresses, **options):
        sock = netcompat.Socket()
        for event in ('connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout'):
            sock.on(event, lambda ip, *rest, event=event: events.append((event[17:] or 'Attempt', ip)))
        return sock.connect(port=8124, host='x', lookup=lambda hostname, **o: [(a, 4) for a in addresses], **options)
"""


@linux
def test_on_the_wire_a_dead_first_address_costs_the_attempt_timeout_and_no_more(run_script):
    output = in_namespace(run_script, RACE, """
        sock = go(DEAD, '10.77.0.1')
        sock.wait_for('connect', 10)
        took = time.monotonic() - began
        print(sock.remote_address, 0.24 < took < 0.6 or took)
        print(events)
        sock.destroy()
        server.close()
    """)
    assert output == ["10.77.0.1 True", str([("Attempt", "10.77.0.3"), ("Timeout", "10.77.0.3"),
                                             ("Attempt", "10.77.0.1")])]


@linux
def test_on_the_wire_a_slow_first_address_wins_when_the_second_is_refused(run_script):
    output = in_namespace(run_script, RACE, """
        sock = go(ROAD, '127.0.0.1')
        sock.wait_for('connect', 10)
        took = time.monotonic() - began
        sock.write(b'hello')
        print(sock.remote_address, 0.39 < took < 0.9 or took, sock.recv(5, 10))
        print(events)
        sock.destroy()
        server.close()
    """, arguments=(0.4,))
    assert output == ["10.77.0.2 True b'hello'", str([("Attempt", "10.77.0.2"), ("Timeout", "10.77.0.2"),
                                                     ("Attempt", "127.0.0.1"), ("Failed", "127.0.0.1")])]


@linux
def test_on_the_wire_all_dead_is_one_aggregate_error(run_script):
    output = in_namespace(run_script, RACE, """
        open('/proc/sys/net/ipv4/tcp_syn_retries', 'w').write('1')      # the kernel gives up after three seconds
        sock = go(DEAD, DEAD_TOO)
        try:
            sock.wait_for('connect', 20)
        except netcompat.AggregateError as error:
            print([(one.code, one.address) for one in error.errors], error.code)
        print(sock.auto_select_family_attempted_addresses)
        server.close()
    """)
    assert output == ["[('ETIMEDOUT', '10.77.0.3'), ('ETIMEDOUT', '10.77.0.4')] ETIMEDOUT",
                      str(["10.77.0.3:8124", "10.77.0.4:8124"])]


@linux
def test_on_the_wire_destroying_and_time_outs_while_a_syn_is_unanswered(run_script):
    output = in_namespace(run_script, RACE, """
        sock = go(DEAD, timeout=100)
        sock.wait_for('timeout', 10)
        print(sock.connecting, sock.pending, sock.ready_state)
        controller = netcompat.AbortController()
        other = netcompat.connect(port=8124, host=DEAD, signal=controller.signal)
        other.wait_for('connectionAttempt', 10)
        controller.abort()
        try:
            other.wait_for('connect', 10)
        except netcompat.AbortError as error:
            print(error.code)
        sock.reset_and_destroy()
        sock.destroy()
        sock.wait_for('close', 10)
        server.close()
        print(sock.connecting, sock.destroyed)
    """)
    assert output == ["True True opening", "ABORT_ERR", "False True"]


# --- giving up --------------------------------------------------------------------------------------------------------

@pytest.fixture
def stuck():
    """A look-up that waits until the test is over."""
    release = threading.Event()

    def lookup(hostname, **options):
        release.wait(WAIT)
        return "127.0.0.1"
    yield lookup
    release.set()
    eventually(lambda: not [thread for thread in threading.enumerate() if thread.name == "netcompat-resolver"])


def test_aborted_before_connect(server):
    controller = AbortController()
    controller.abort()
    sock = connect(port=server.address().port, host="127.0.0.1", signal=controller.signal)
    trace = Trace(sock, ("connect", "error", "close"))
    assert [event for event in trace.until_close() if event[0] != "connect"] == [("error", "ABORT_ERR"),
                                                                                 ("close", True)]
    assert "connect" not in trace.names()


def test_aborted_during_the_lookup(stuck):
    controller = AbortController()
    sock = connect(port=1, host="x", lookup=stuck, signal=controller.signal)
    trace = Trace(sock)
    reason = ValueError("enough")
    errors = []
    sock.on("error", errors.append)
    controller.abort(reason)
    assert trace.until_close() == [("error", "ABORT_ERR"), ("close", True)]
    assert errors[0].cause is reason
    assert controller.signal.listener_count("abort") == 0


def test_aborted_during_an_attempt(road):
    way = road()
    controller = AbortController()
    sock = connect(port=80, host=SLOW, signal=controller.signal)
    trace = Trace(sock, ("connect", "error", "close"))
    way.wait_for(SLOW)
    controller.abort()
    assert trace.until_close() == [("error", "ABORT_ERR"), ("close", True)]


def test_aborted_after_connect(server):
    controller = AbortController()
    sock = connect(port=server.address().port, host="127.0.0.1", signal=controller.signal)
    trace = Trace(sock, ("connect", "error", "close"))
    sock.wait_for("ready", WAIT)
    controller.abort()
    assert trace.until_close() == [("connect",), ("error", "ABORT_ERR"), ("close", True)]


def test_a_closed_socket_lets_go_of_the_signal(server):
    controller = AbortController()
    sock = connect(port=server.address().port, host="127.0.0.1", signal=controller.signal)
    sock.wait_for("ready", WAIT)
    sock.destroy()
    sock.wait_for("close", WAIT)
    assert controller.signal.listener_count("abort") == 0


def test_destroyed_at_once(server):
    sock = connect(server.address().port, "127.0.0.1").destroy()
    assert sock.destroyed and not sock.connecting and sock.ready_state == "closed"
    trace = Trace(sock, ("connect", "error", "close"))
    assert trace.until_close() == [("close", False)]


def test_destroyed_during_the_lookup(stuck):
    sock = connect(port=1, host="x", lookup=stuck)
    trace = Trace(sock)
    problem = ValueError("changed my mind")
    problem.code = "MINE"
    sock.destroy(problem)
    assert trace.until_close() == [("error", "MINE"), ("close", True)]


@pytest.mark.parametrize("given", [None, RuntimeError("enough")])
@pytest.mark.parametrize("step", ["lookup", "connectionAttempt", "connectionAttemptFailed"])
def test_destroyed_in_a_step_that_led_to_a_failure_that_was_not_told_yet(step, given):
    """The attempts do not wait for listeners; whoever gives up in one hears of nothing that came meanwhile."""
    sock = Socket()
    trace = Trace(sock)
    sock.once(step, lambda *args: (eventually(lambda: sock.destroyed), sock.destroy(given)))
    sock.connect(port=1, host="some.test", lookup=answer(("127.0.0.1", 4), ("127.0.0.2", 4)))
    trace.until_close()
    steps = ["lookup", "lookup", "connectionAttempt", "connectionAttemptFailed"]
    assert trace.names() == [*steps[:steps.index(step) + 1], *["error"] * bool(given), "close"]
    assert trace.events[-1] == ("close", given is not None)
    if given:
        assert trace.events[-2] == ("error", given)


def test_destroyed_elsewhere_after_a_failure_that_was_not_told_yet():
    sock, inside, go = Socket(), threading.Event(), threading.Event()
    trace = Trace(sock)
    sock.once("lookup", lambda *args: (inside.set(), go.wait(WAIT)))
    sock.connect(port=1, host="some.test", lookup=answer(("127.0.0.1", 4)))
    assert inside.wait(WAIT)
    eventually(lambda: sock.destroyed)
    sock.destroy()
    go.set()
    trace.until_close()
    assert trace.names() == ["lookup", "error", "close"]        # the failure happened before, but no listener begins


def test_destroyed_during_an_attempt_closes_its_descriptor(road):
    way = road()
    sock = connect(port=80, host=SLOW)
    way.wait_for(SLOW)
    sock.destroy()
    sock.wait_for("close", WAIT)
    way.arrive(SLOW)
    assert way.ends[SLOW].recv(1) == b""


def test_destroyed_at_any_moment_closes_once(server, fast_switching):
    port = server.address().port
    for step in range(60):
        sock = connect(port, "localhost")
        trace = Trace(sock, ("error", "close"))
        thread = threading.Thread(target=lambda pause: (time.sleep(pause), sock.destroy()), args=(step * 2e-5,))
        thread.start()
        trace.until_close()
        thread.join()
        assert trace.events == [("close", False)]
    server.shutdown(WAIT)


def test_the_pending_write_fails_when_connecting_is_given_up(stuck):
    sock, outcome, heard = connect(port=1, host="x", lookup=stuck), [], threading.Event()
    sock.write(b"x", callback=lambda error: (outcome.append(error.code), heard.set()))
    sock.destroy()
    assert heard.wait(WAIT)
    assert outcome == ["ERR_SOCKET_CLOSED_BEFORE_CONNECTION"]


def test_properties_at_every_stage(server):
    sock = Socket()
    assert (sock.connecting, sock.pending, sock.destroyed) == (False, True, False)
    assert sock.ready_state == "open"       # as in Node: a new socket can be read and written, only not yet
    seen = {}

    def note(event):
        sock.on(event, lambda *args: seen.setdefault(event, (sock.connecting, sock.pending, sock.ready_state)))
    for event in ("lookup", "connectionAttempt", "connect", "ready", "close"):
        note(event)
    sock.connect(server.address().port, "localhost")
    assert (sock.connecting, sock.pending, sock.ready_state) == (True, True, "opening")
    eventually(lambda: "ready" in seen)
    sock.destroy()
    eventually(lambda: "close" in seen)
    assert seen == {"lookup": (True, True, "opening"), "connectionAttempt": (True, True, "opening"),
                    "connect": (False, False, "open"), "ready": (False, False, "open"),
                    "close": (False, True, "closed")}


# --- again ------------------------------------------------------------------------------------------------------------

def test_connecting_again_after_close_is_a_new_life(server):
    sock = Socket()
    trace = Trace(sock, ("connect", "close"))
    for life in range(3):
        sock.connect(server.address().port, "127.0.0.1")
        assert not sock.destroyed and sock.connecting and sock.bytes_read == 0
        sock.write(b"hello")
        assert sock.recv(5, WAIT) == b"hello"
        assert (sock.bytes_read, sock.bytes_written) == (5, 5)
        sock.destroy()
        sock.wait_for("close", WAIT)
    eventually(lambda: trace.names() == ["connect", "close"] * 3)


def test_connecting_again_in_the_close_listener(server):
    sock, lives, over = connect(server.address().port, "127.0.0.1"), [], threading.Event()

    def on_close(had_error):
        lives.append(had_error)
        if len(lives) < 3:
            sock.connect(server.address().port, "127.0.0.1")
        else:
            over.set()
    sock.on("close", on_close).on("connect", lambda: sock.destroy())
    assert over.wait(WAIT)
    assert lives == [False] * 3


def test_connecting_again_before_the_close_of_the_last_life(server):
    sock = connect(server.address().port, "127.0.0.1")
    sock.wait_for("connect", WAIT)
    trace = Trace(sock, ("connect", "close"))
    eventually(lambda: trace.names() == ["connect"])
    sock.destroy()
    sock.connect(server.address().port, "127.0.0.1")
    assert sock.connecting
    eventually(lambda: trace.names().count("connect") == 2)
    sock.write(b"hello")
    assert sock.recv(5, WAIT) == b"hello"
    sock.destroy()
    eventually(lambda: trace.names() == ["connect", "close", "connect", "close"])


def test_connecting_again_after_a_refusal(server, tcp_address):
    sock = Socket()
    trace = Trace(sock, ("connect", "error", "close"))
    sock.connect(tcp_address[1], "127.0.0.1")
    trace.until_close()
    sock.connect(server.address().port, "127.0.0.1")
    eventually(lambda: trace.names().count("connect") == 1)
    assert trace.events == [("error", "ECONNREFUSED"), ("close", True), ("connect",)]
    sock.destroy()


def test_connecting_an_open_socket_is_an_error(server):
    sock = connect(server.address().port, "127.0.0.1")
    sock.wait_for("ready", WAIT)
    trace = Trace(sock, ("error", "close"))
    sock.connect(server.address().port, "127.0.0.1")
    assert trace.until_close() == [("error", "EISCONN"), ("close", True)]


# --- time-outs --------------------------------------------------------------------------------------------------------

def test_the_timeout_option_counts_while_connecting(stuck):
    sock = connect(port=1, host="x", lookup=stuck, timeout=30)
    assert sock.timeout == 30
    sock.wait_for("timeout", WAIT)
    assert sock.connecting and not sock.destroyed
    sock.destroy()
