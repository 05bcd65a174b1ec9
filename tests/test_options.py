"""The options and methods of `Socket` that change something in the kernel or on the wire, observed there."""
import os
import socket
import sys
import threading
import time

import pytest
from conftest import eventually

from netcompat import BoundSocket, Socket, connect, create_server

WAIT = 10.0
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
IPV6 = socket.has_ipv6


@pytest.fixture
def server():
    return create_server(lambda sock: sock.on("data", sock.write)).listen(0, "127.0.0.1")


@pytest.fixture
def pair():
    """A stdlib listener's end and the socket that connected to it: `(sock, peer)`, both open."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sock = connect(listener.getsockname()[1], "127.0.0.1")
        peer = listener.accept()[0]
    peer.settimeout(WAIT)
    sock.wait_for("ready", WAIT)
    yield sock, peer
    sock.destroy()
    peer.close()


def no_delay_of(sock):
    return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))


def keep_alive_of(sock):
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))


def probes_of(sock):
    """(idle seconds, seconds between probes, number of probes)."""
    return tuple(sock.getsockopt(socket.IPPROTO_TCP, option)
                 for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT))


def opened(sock):
    sock.wait_for("ready", WAIT)
    return sock


# --- no delay ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("make", [
    lambda port: Socket(no_delay=True).connect(port, "127.0.0.1"),
    lambda port: Socket().connect(port=port, host="127.0.0.1", no_delay=True),
    lambda port: connect(port=port, host="127.0.0.1", no_delay=True),
    lambda port: Socket().set_no_delay().connect(port, "127.0.0.1"),
    lambda port: connect(port, "127.0.0.1").set_no_delay(True),
])
def test_no_delay(server, make):
    sock = opened(make(server.address().port))
    assert no_delay_of(sock)
    assert sock.set_no_delay(False) is sock and not no_delay_of(sock)
    sock.set_no_delay()
    assert no_delay_of(sock)
    sock.destroy()


def test_delay_is_the_default(server):
    sock = opened(connect(server.address().port, "127.0.0.1"))
    assert not no_delay_of(sock) and not keep_alive_of(sock)
    sock.destroy()


def test_an_option_of_connect_holds_over_the_constructors(server):
    sock = opened(Socket(no_delay=True, keep_alive=True).connect(
        port=server.address().port, host="127.0.0.1", no_delay=False, keep_alive=False))
    assert not no_delay_of(sock) and not keep_alive_of(sock)
    sock.destroy()


def test_options_hold_in_the_next_life_too(server):
    sock = opened(connect(port=server.address().port, host="127.0.0.1", no_delay=True))
    sock.destroy()
    sock.wait_for("close", WAIT)
    opened(sock.connect(server.address().port, "127.0.0.1"))
    assert no_delay_of(sock)
    sock.destroy()


# --- keep-alive -------------------------------------------------------------------------------------------------------

@linux
@pytest.mark.parametrize("make", [
    lambda port: Socket(keep_alive=True, keep_alive_initial_delay=42000).connect(port, "127.0.0.1"),
    lambda port: Socket().connect(port=port, host="127.0.0.1", keep_alive=True, keep_alive_initial_delay=42000),
    lambda port: connect(port=port, host="127.0.0.1", keep_alive=True, keep_alive_initial_delay=42999),
    lambda port: Socket().set_keep_alive(True, 42000).connect(port, "127.0.0.1"),
    lambda port: connect(port, "127.0.0.1").set_keep_alive(True, 42000),
])
def test_keep_alive_with_its_initial_delay(server, make):
    sock = opened(make(server.address().port))
    assert keep_alive_of(sock) and probes_of(sock)[0] == 42
    sock.set_keep_alive(False)
    assert not keep_alive_of(sock)
    sock.destroy()


@linux
def test_keep_alive_interval_and_count(pair):
    sock, _ = pair
    assert sock.set_keep_alive(True, 10000, 7000, 3) is sock
    assert keep_alive_of(sock) and probes_of(sock) == (10, 7, 3)
    sock.set_keep_alive(True, interval=5000)
    assert probes_of(sock) == (10, 5, 3)        # what is not given stays


@linux
def test_keep_alive_of_zero_leaves_the_systems_values(pair):
    sock, _ = pair
    before = probes_of(sock)
    sock.set_keep_alive(True, 0)
    assert keep_alive_of(sock) and probes_of(sock) == before


# --- type of service --------------------------------------------------------------------------------------------------

@linux
@pytest.mark.parametrize("make", [
    lambda port: Socket(type_of_service=0x10).connect(port, "127.0.0.1"),
    lambda port: Socket().set_type_of_service(0x10).connect(port, "127.0.0.1"),
    lambda port: connect(port, "127.0.0.1").set_type_of_service(0x10)])
def test_type_of_service_on_ipv4(server, make):
    sock = make(server.address().port)
    assert sock.get_type_of_service() == 0x10
    opened(sock)
    assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x10 == sock.get_type_of_service()
    sock.set_type_of_service(0)
    assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0
    sock.destroy()


@linux
@pytest.mark.skipif(not IPV6, reason="needs IPv6")
def test_type_of_service_on_ipv6():
    server = create_server().listen(0, "::1")
    sock = opened(connect(server.address().port, "::1"))
    sock.set_type_of_service(0x20)
    assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS) == 0x20 == sock.get_type_of_service()
    sock.destroy()


def test_type_of_service_is_zero_by_default(server):
    sock = Socket()
    assert sock.get_type_of_service() == 0
    opened(sock.connect(server.address().port, "127.0.0.1"))
    assert sock.get_type_of_service() == 0
    sock.destroy()


# --- the idle time-out ------------------------------------------------------------------------------------------------

def test_a_timeout_fires_once_and_does_not_close(pair):
    sock, peer = pair
    fired = []
    assert sock.timeout is None
    assert sock.set_timeout(30) is sock and sock.timeout == 30
    sock.on("timeout", lambda: fired.append(time.monotonic()))
    began = time.monotonic()
    sock.wait_for("timeout", WAIT)
    eventually(lambda: fired)
    assert fired[0] - began >= 0.029
    peer.sendall(b"x")          # activity begins a new idle period
    sock.resume()
    eventually(lambda: len(fired) == 2)
    assert not sock.destroyed and sock.ready_state == "open"


def test_reading_restarts_the_idle_period(pair):
    sock, peer = pair
    fired = threading.Event()
    sock.resume()
    sock.set_timeout(400, fired.set)
    for _ in range(10):
        peer.sendall(b"x")
        assert not fired.wait(0.08)
    assert fired.wait(WAIT)


def test_the_callback_of_a_timeout_is_taken_off_by_zero(pair):
    sock, _ = pair

    def callback():
        raise AssertionError("taken off")
    sock.set_timeout(60000, callback)
    assert sock.listener_count("timeout") == 1
    sock.set_timeout(0, callback)
    assert sock.listener_count("timeout") == 0 and sock.timeout == 0


def test_a_timeout_on_a_socket_that_never_connected():
    sock = Socket().set_timeout(20)
    sock.wait_for("timeout", WAIT)
    sock.destroy()


# --- half open --------------------------------------------------------------------------------------------------------

def test_half_open_may_write_after_the_end():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        sock = connect(port=listener.getsockname()[1], host="127.0.0.1", allow_half_open=True).resume()
        with listener.accept()[0] as peer:
            peer.settimeout(WAIT)
            peer.shutdown(socket.SHUT_WR)
            sock.wait_for("end", WAIT)
            assert sock.allow_half_open and sock.ready_state == "writeOnly"
            sock.end(b"still here")
            assert peer.recv(100) == b"still here" and peer.recv(1) == b""
            sock.wait_for("close", WAIT)


def test_not_half_open_it_ends_itself(pair):
    sock, peer = pair
    assert not sock.allow_half_open
    sock.resume()
    peer.shutdown(socket.SHUT_WR)
    assert peer.recv(1) == b""
    sock.wait_for("close", WAIT)


# --- descriptors and handles ------------------------------------------------------------------------------------------

def stdlib_pair():
    return socket.socketpair()


@posix
@pytest.mark.parametrize("make", [lambda end: Socket(fd=end.detach()), lambda end: Socket(handle=end)])
def test_an_open_connection_as_fd_or_handle(make):
    ours, theirs = stdlib_pair()
    sock = make(ours)
    assert ours.fileno() == -1
    assert sock.ready_state == "open" and not sock.connecting and not sock.pending
    sock.write(b"ping")
    assert theirs.recv(4) == b"ping"
    theirs.sendall(b"pong")
    assert sock.recv(4, WAIT) == b"pong"
    theirs.close()
    sock.resume()
    sock.wait_for("close", WAIT)


def test_a_tcp_handle_knows_its_addresses(server):
    raw = socket.create_connection(("127.0.0.1", server.address().port))
    local = raw.getsockname()
    sock = Socket(handle=raw, no_delay=True)
    assert (sock.remote_address, sock.remote_port) == ("127.0.0.1", server.address().port)
    assert sock.local_port == local[1] and no_delay_of(sock)
    sock.destroy()


@posix
def test_the_reading_end_of_a_pipe_is_only_readable():
    reader, writer = os.pipe()
    sock = Socket(fd=reader)
    assert sock.readable and not sock.writable and sock.ready_state == "readOnly"
    os.write(writer, b"hello")
    assert sock.recv(100, WAIT) == b"hello"
    os.close(writer)
    assert sock.recv(100, WAIT) == b""
    sock.wait_for("close", WAIT)


@posix
def test_the_writing_end_of_a_pipe_is_only_writable():
    reader, writer = os.pipe()
    sock = Socket(fd=writer)
    assert sock.writable and not sock.readable and sock.ready_state == "writeOnly"
    sock.end(b"hello")
    sock.wait_for("close", WAIT)
    assert os.read(reader, 100) == b"hello" and os.read(reader, 1) == b""
    os.close(reader)


@posix
def test_a_pipe_whose_reader_is_gone_is_an_error():
    reader, writer = os.pipe()
    os.close(reader)
    sock = Socket(fd=writer)
    sock.write(b"x")
    with pytest.raises(BrokenPipeError) as caught:
        sock.wait_for("finish", WAIT)
    assert (caught.value.code, caught.value.syscall) == ("EPIPE", "write")


@posix
def test_more_than_a_pipe_holds_is_written_when_it_is_read():
    reader, writer = os.pipe()
    sock, data = Socket(fd=writer), os.urandom(1 << 20)
    assert sock.write(data) is False
    sock.end()
    got = b""
    while len(got) < len(data):
        got += os.read(reader, 65536)
    assert got == data
    sock.wait_for("close", WAIT)
    os.close(reader)


@posix
@pytest.mark.parametrize("options", [{"readable": False}, {"writable": False}])
def test_a_half_can_be_left_out(options):
    ours, theirs = stdlib_pair()
    sock = Socket(handle=ours, **options)
    assert sock.readable is options.get("readable", True) and sock.writable is options.get("writable", True)
    sock.destroy()
    theirs.close()


@posix
def test_a_regular_file_is_refused_and_stays_open(tmp_path):
    with open(str(tmp_path / "file"), "w") as file:
        with pytest.raises(TypeError) as caught:
            Socket(fd=file.fileno())
        assert caught.value.code == "ERR_INVALID_FD_TYPE" and "FILE" in str(caught.value)
        file.write("still open")


def test_a_datagram_socket_is_refused_and_stays_open():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))        # Windows knows no family of one that is not bound
        for options in ({"handle": datagrams}, {"fd": datagrams.fileno()}):
            with pytest.raises(TypeError) as caught:
                Socket(**options)
            assert caught.value.code == "ERR_INVALID_FD_TYPE"
        assert datagrams.getsockname()


@pytest.mark.parametrize("options, code", [
    ({"high_water_mark": -1}, "ERR_INVALID_ARG_VALUE"), ({"type_of_service": 256}, "ERR_OUT_OF_RANGE"),
    ({"keep_alive_initial_delay": "x"}, "ERR_INVALID_ARG_TYPE"), ({"onread": 1}, "ERR_INVALID_ARG_TYPE")])
def test_a_mistake_beside_a_handle_leaves_it_with_its_owner(options, code):
    ours, theirs = stdlib_pair()
    with ours, theirs, BoundSocket(port=0, host="127.0.0.1") as bound:
        for handle in (ours, bound):
            with pytest.raises((TypeError, ValueError)) as caught:
                Socket(handle=handle, **options)
            assert caught.value.code == code
        ours.sendall(b"x")
        assert theirs.recv(1) == b"x" and bound.address().port


def test_fileno_is_the_descriptor_while_open(pair):
    sock, _ = pair
    with socket.socket(fileno=socket.dup(sock.fileno())) as copy:
        assert copy.getpeername() == (sock.remote_address, sock.remote_port)
    sock.destroy()
    assert sock.fileno() == -1 == Socket().fileno()


def test_setsockopt_and_getsockopt(pair):
    sock, _ = pair
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert isinstance(sock.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8), bytes)
    sock.destroy()
    for call in (lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                 lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.code == "ERR_SOCKET_CLOSED"


def test_detach_gives_the_stdlib_socket_back(pair):
    sock, peer = pair
    sock.write(b"before")
    raw = sock.detach()
    with raw:
        assert isinstance(raw, socket.socket) and sock.fileno() == -1
        sock.wait_for("close", WAIT)
        raw.settimeout(WAIT)
        raw.sendall(b"+after")
        got = b""
        while len(got) < 12:
            got += peer.recv(100)
        assert got == b"before+after"
        peer.sendall(b"back")
        assert raw.recv(4) == b"back"


def test_detach_without_a_connection_is_refused():
    with pytest.raises(OSError) as caught:
        Socket().detach()
    assert caught.value.code == "ERR_SOCKET_CLOSED"


# --- BoundSocket ------------------------------------------------------------------------------------------------------

def test_a_bound_socket_has_an_address_and_a_descriptor():
    with BoundSocket(port=0, host="127.0.0.1") as bound:
        assert bound.address().address == "127.0.0.1" and bound.address().port > 0
        assert bound.fd() > 0 and not bound.is_pipe
        with pytest.raises(ConnectionRefusedError):        # bound, not listening
            socket.create_connection(("127.0.0.1", bound.address().port), WAIT)


def test_a_bound_socket_gives_its_address_back():
    bound = BoundSocket(port=0, host="127.0.0.1")
    port = bound.address().port
    bound.close()
    bound.close()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
    for call in (bound.address, bound.fd):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.code == "ERR_SOCKET_CLOSED"


def test_a_bound_socket_is_adopted_once(server):
    bound = BoundSocket(port=0, host="127.0.0.1")
    with bound:
        sock = Socket(handle=bound)
    for call in (bound.address, bound.fd, lambda: Socket(handle=bound), lambda: create_server().listen(handle=bound)):
        with pytest.raises(RuntimeError) as caught:
            call()
        assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"
    opened(sock.connect(server.address().port, "127.0.0.1"))        # the end of `with` did not close it
    sock.destroy()


def test_a_bound_socket_in_use_is_an_error_of_the_call(server):
    with pytest.raises(OSError) as caught:
        BoundSocket(port=server.address().port, host="127.0.0.1")
    error = caught.value
    assert (error.code, error.syscall, error.address, error.port) == (
        "EADDRINUSE", "bind", "127.0.0.1", server.address().port)


@pytest.mark.skipif(not IPV6, reason="needs IPv6")
def test_a_bound_socket_without_host_is_dual_stack():
    with BoundSocket(port=0) as bound, BoundSocket(port=0, ipv6_only=True) as only:
        assert bound.address().address == only.address().address == "::"
        for one, wanted in ((bound, 0), (only, 1)):
            with socket.socket(fileno=socket.dup(one.fd())) as copy:
                assert copy.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == wanted


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="no SO_REUSEPORT")
def test_bound_sockets_share_a_port_with_reuse_port():
    with BoundSocket(port=0, host="127.0.0.1", reuse_port=True) as first:
        with BoundSocket(port=first.address().port, host="127.0.0.1", reuse_port=True) as second:
            assert first.address() == second.address()
