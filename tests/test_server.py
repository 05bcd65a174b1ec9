"""`Server`: every way to listen, who gets a connection and when, limits, and every way to end."""
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from conftest import eventually, script_environment
from connections import on_wine
from raw_pipes import RawPipe

import netcompat
from netcompat import AbortController, BlockList, BoundSocket, Server, Socket, connect, create_server
from netcompat.runtime.waiter import Waiter

WAIT = 10.0
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


class Box:
    """A listener that keeps what it was called with; `wait` gives the oldest."""

    def __init__(self):
        self.calls, self.more = [], threading.Semaphore(0)

    def __call__(self, *args):
        self.calls.append(args)
        self.more.release()

    def wait(self, count=1):
        for _ in range(count):
            assert self.more.acquire(timeout=WAIT), "not called"
        return self.calls[-1]


def echo(sock):
    sock.on("data", sock.write)


def dial(server, host="127.0.0.1"):
    """A stdlib client, or a raw pipe; blocking, with a time-out."""
    where = server.address()
    return socket.create_connection((host, where.port), WAIT) if not isinstance(where, str) else dial_path(where)


def dial_path(path):
    if sys.platform == "win32":
        client = RawPipe.connect(path)
        client.settimeout(WAIT)
        return client
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(WAIT)
    client.connect(path)
    return client


def refuses(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), WAIT).close()
    except ConnectionRefusedError:
        return True
    return False


def listening(handler=None, **options):
    """A server on a port of 127.0.0.1."""
    return create_server(handler, **options).listen(0, "127.0.0.1")


# --- forms of listen --------------------------------------------------------------------------------------------------

def test_address_is_set_when_listen_returns():
    server = create_server().listen(0, "127.0.0.1")
    assert server.address().address == "127.0.0.1" and server.address().family == "IPv4"
    assert server.address().port > 0 and server.listening


def test_address_is_none_before_listen_and_after_close():
    server = create_server()
    assert server.address() is None and not server.listening
    server.listen(0).close()
    assert server.address() is None and not server.listening


@pytest.mark.parametrize("kind", [int, str])
def test_a_port_as_number_or_digits(kind, tcp_address):
    server = create_server(echo).listen(kind(tcp_address[1]), "127.0.0.1")
    assert server.address().port == tcp_address[1]
    with dial(server) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"


def test_without_host_it_is_dual_stack():
    server = create_server(echo).listen(0)
    assert server.address().address == "::" and server.address().family == "IPv6"
    for host in ("127.0.0.1", "::1"):
        with dial(server, host) as client:
            client.sendall(b"x")
            assert client.recv(1) == b"x"


@pytest.mark.parametrize("args", [(), (None,), (0,)])
def test_no_port_is_an_unused_one(args):
    assert create_server().listen(*args).address().port > 0


def test_ipv6_only_refuses_ipv4():
    server = create_server().listen(port=0, ipv6_only=True)
    with dial(server, "::1"):
        assert refuses(server.address().port)


def test_a_host_name_is_resolved_in_the_background():
    server, heard = create_server(), Box()
    assert server.listen(0, "localhost", heard) is server
    heard.wait()
    assert server.address().address in ("127.0.0.1", "::1")


@pytest.mark.parametrize("form", [
    lambda server, call: server.listen(0, call),
    lambda server, call: server.listen(0, "127.0.0.1", call),
    lambda server, call: server.listen(0, "127.0.0.1", 5, call),
    lambda server, call: server.listen(0, 5, call),
    lambda server, call: server.listen(call),
    lambda server, call: server.listen(port=0, callback=call),
])
def test_the_callback_hears_listening_once(form):
    server, heard = create_server(), Box()
    form(server, heard)
    heard.wait()
    server.close()
    server.wait_for("close", WAIT)
    server.listen(0)
    server.wait_for("listening", WAIT)
    assert heard.calls == [()]


def test_the_backlog_is_the_kernels(monkeypatch):
    asked, listen = [], socket.socket.listen

    def watched_listen(sock, *backlog):     # Windows' socketpair() calls it too, without
        asked.extend(backlog)
        listen(sock, *backlog)
    monkeypatch.setattr(socket.socket, "listen", watched_listen)
    create_server().listen(port=0, backlog=7)
    create_server().listen(0, "127.0.0.1", 8)
    create_server().listen(0, 9)
    create_server().listen(0)
    assert asked == [7, 8, 9, 511]


def test_port_wins_over_path(ipc_path):
    server = create_server().listen(port=0, path=ipc_path)
    assert server.address().port > 0
    assert not os.path.exists(ipc_path)


def test_a_path(ipc_path):
    server = create_server(echo).listen(ipc_path)
    assert server.address() == ipc_path
    with dial(server) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="no SO_REUSEPORT")
def test_reuse_port_lets_two_share_a_port():
    first = create_server().listen(port=0, host="127.0.0.1", reuse_port=True)
    second = create_server().listen(port=first.address().port, host="127.0.0.1", reuse_port=True)
    assert second.listening and first.address() == second.address()


def test_exclusive_is_accepted():
    assert create_server().listen(port=0, exclusive=True).listening


# --- handles ----------------------------------------------------------------------------------------------------------

def bound_stdlib():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock


def answers(server):
    with dial(server) as client:
        client.sendall(b"x")
        return client.recv(1) == b"x"


def test_handle_a_stdlib_socket_is_detached_from_its_owner():
    sock = bound_stdlib()
    port = sock.getsockname()[1]
    server = create_server(echo).listen(handle=sock)
    assert server.address().port == port and sock.fileno() == -1
    assert answers(server)


def test_handle_as_first_argument():
    heard = Box()
    server = create_server(echo).listen(bound_stdlib(), heard)
    heard.wait()
    assert answers(server)


def test_handle_a_bound_socket():
    bound = BoundSocket(port=0, host="127.0.0.1")
    where = bound.address()
    server = create_server(echo).listen(bound)
    assert server.address() == where and answers(server)
    with pytest.raises(RuntimeError) as caught:
        bound.address()
    assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"


def test_handle_an_adopted_bound_socket_is_refused_by_the_call(reported):
    bound = BoundSocket(port=0, host="127.0.0.1")
    create_server().listen(bound)
    server = create_server()
    with pytest.raises(RuntimeError) as caught:
        server.listen(bound)
    assert caught.value.code == "ERR_SOCKET_HANDLE_ADOPTED"
    assert server.shutdown(WAIT) == 0       # it has no life that would have to end


def test_handle_a_socket_with_a_bound_socket():
    sock = Socket(handle=BoundSocket(port=0, host="127.0.0.1"))
    assert answers(create_server(echo).listen(sock))


def test_handle_a_connected_socket_is_an_error():
    server = listening()
    client = connect(server.address().port, "127.0.0.1")
    client.wait_for("connect", WAIT)
    other, failed = create_server(), Box()
    other.on("error", failed)
    other.listen(handle=client)
    assert failed.wait()[0].code == "EINVAL"
    client.destroy()


def test_handle_another_server_and_closing_one_leaves_the_other():
    first = create_server(echo).listen(0, "127.0.0.1")
    second = create_server(echo).listen(first)
    assert second.address() == first.address()
    first.close()
    assert answers(second)
    second.close()
    assert refuses_soon(second, first)


def refuses_soon(*servers):
    for server in servers:
        server.wait_for("close", WAIT)
    return True


def test_handle_a_server_that_does_not_listen_is_an_error():
    server, failed = create_server(), Box()
    server.on("error", failed)
    server.listen(create_server())
    assert failed.wait()[0].code == "EINVAL"


class WithFileno:
    def __init__(self, sock):
        self.sock = sock

    def fileno(self):
        return self.sock.fileno()


class WithFd:
    def __init__(self, sock):
        self.fd = sock.fileno()


@posix
@pytest.mark.parametrize("wrapper", [WithFileno, WithFd])
def test_handle_an_object_with_a_descriptor_that_stays_its_own(wrapper):
    with bound_stdlib() as sock:
        server = create_server(echo).listen(handle=wrapper(sock))
        assert answers(server)
        server.close()
        assert sock.fileno() >= 0
        sock.getsockname()


@posix
def test_closing_a_server_on_a_shared_descriptor_leaves_it_listening_elsewhere():
    with bound_stdlib() as sock:
        create_server().listen(handle=WithFileno(sock)).close()
        assert not refuses(sock.getsockname()[1])


@posix
def test_fd():
    sock = bound_stdlib()
    server = create_server(echo).listen(fd=sock.detach())
    assert answers(server)
    port = server.address().port
    server.close()
    assert refuses(port)


@posix
def test_fd_of_a_unix_socket(ipc_path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(ipc_path)
    server = create_server(echo).listen(fd=sock.detach())
    assert server.address() == ipc_path and answers(server)
    server.close()
    assert os.path.exists(ipc_path)         # it was not made by the server


@posix
def test_fd_that_is_no_socket_is_an_error_and_stays_open(tmp_path):
    with open(str(tmp_path / "file"), "w") as file:
        server, failed = create_server(), Box()
        server.on("error", failed)
        server.listen(fd=file.fileno())
        error = failed.wait()[0]
        assert error.code == "EINVAL" and str(error) == "listen EINVAL: invalid argument"
        file.write("still open")


def test_a_handle_that_cannot_listen_stays_with_its_owner():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        server, failed = create_server(), Box()
        server.on("error", failed)
        server.listen(handle=sock)
        # Windows looks first whether it is bound.
        assert failed.wait()[0].code in (("EOPNOTSUPP", "EINVAL") if sys.platform == "win32" else
                                         ("EOPNOTSUPP", "ENOTSUP"))
        assert sock.fileno() >= 0
        sock.bind(("127.0.0.1", 0))


# --- abort signal -----------------------------------------------------------------------------------------------------

def test_an_abort_signal_closes_the_server():
    controller = AbortController()
    server = create_server().listen(port=0, signal=controller.signal)
    server.wait_for("listening", WAIT)
    controller.abort()
    server.wait_for("close", WAIT)
    assert not server.listening


def test_an_aborted_signal_closes_at_once_without_listening():
    server, heard = create_server(), Box()
    server.on("listening", heard)
    controller = AbortController()
    controller.abort()
    server.listen(port=0, signal=controller.signal)
    server.wait_for("close", WAIT)
    assert heard.calls == []


def test_a_closed_server_lets_go_of_the_signal():
    controller = AbortController()
    server = create_server().listen(port=0, signal=controller.signal)
    server.close()
    server.wait_for("close", WAIT)
    assert controller.signal.listener_count("abort") == 0
    server.listen(0)
    controller.abort()
    assert server.listening


def test_a_failed_listen_lets_go_of_the_signal():
    taken = listening()
    server, failed = create_server(), Box()
    server.on("error", failed)
    controller = AbortController()
    server.listen(port=taken.address().port, host="127.0.0.1", signal=controller.signal)
    failed.wait()
    eventually(lambda: controller.signal.listener_count("abort") == 0)
    server.listen(port=0, host="does-not-exist.invalid", signal=controller.signal)
    failed.wait()
    eventually(lambda: controller.signal.listener_count("abort") == 0)


# --- what listen fails with -------------------------------------------------------------------------------------------

def failure(*args, **options):
    server, failed = create_server(), Box()
    server.on("error", failed)
    assert server.listen(*args, **options) is server
    assert server.address() is None and not server.listening
    return failed.wait()[0]


def test_an_address_in_use():
    taken = listening()
    port = taken.address().port
    error = failure(port, "127.0.0.1")
    assert isinstance(error, OSError) and error.errno == errno.EADDRINUSE
    assert (error.code, error.syscall, error.address, error.port) == ("EADDRINUSE", "listen", "127.0.0.1", port)
    assert str(error) == "listen EADDRINUSE: address already in use 127.0.0.1:{}".format(port)


@on_wine("says EACCES where Windows says EADDRINUSE, for every address")
def test_an_address_in_use_without_host():
    taken = create_server().listen(0)
    port = taken.address().port
    assert str(failure(port)) == "listen EADDRINUSE: address already in use :::{}".format(port)


def test_an_address_that_is_not_ours():
    error = failure(0, "192.0.2.1")
    assert error.code == "EADDRNOTAVAIL" and "address not available 192.0.2.1" in str(error)


def test_an_address_in_an_unknown_zone():
    assert failure(0, "fe80::1%nosuchzone").code == "EINVAL"


@posix
def test_a_port_that_is_not_allowed(run_script):
    done = run_script("""
        import os, netcompat
        try:
            os.setuid(65534)
        except PermissionError:
            pass
        server = netcompat.create_server()
        server.on('error', lambda error: print(error.code, isinstance(error, PermissionError), error))
        server.listen(81, '127.0.0.1')
        if server.listening:
            print('allowed')
            server.close()
    """)
    if done.stdout == "allowed\n":
        pytest.skip("this system lets everybody listen on port 81")
    assert done.stdout == "EACCES True listen EACCES: permission denied 127.0.0.1:81\n"


def test_an_unknown_host():
    error = failure(0, "does-not-exist.invalid")
    assert isinstance(error, socket.gaierror) and error.syscall == "getaddrinfo"
    assert error.code in ("ENOTFOUND", "EAI_AGAIN") and error.hostname == "does-not-exist.invalid"


def test_listening_twice_is_refused_by_the_call():
    server = listening()
    with pytest.raises(RuntimeError) as caught:
        server.listen(0)
    assert caught.value.code == "ERR_SERVER_ALREADY_LISTEN"
    assert answers(server.on("connection", echo))


def test_listening_twice_while_the_name_is_looked_up():
    server = create_server().listen(0, "localhost")
    with pytest.raises(RuntimeError) as caught:
        server.listen(0)
    assert caught.value.code == "ERR_SERVER_ALREADY_LISTEN"


def test_an_error_nobody_hears_is_reported_once(reported):
    taken = listening()
    create_server().listen(taken.address().port, "127.0.0.1")
    assert reported.take(OSError).exc_value.code == "EADDRINUSE"
    assert not reported


def test_waiting_for_listening_raises_what_listen_failed_with():
    taken = listening()
    server = create_server().listen(taken.address().port, "127.0.0.1")
    for _ in range(2):
        with pytest.raises(OSError) as caught:
            server.wait_for("listening", WAIT)
        assert caught.value.code == "EADDRINUSE"


def test_listening_again_after_an_error():
    taken = listening()
    server, failed = create_server(echo), Box()
    server.on("error", failed)
    server.listen(taken.address().port, "127.0.0.1")
    failed.wait()
    server.listen(0, "127.0.0.1")
    assert answers(server)


def test_listening_again_after_an_error_in_the_error_listener():
    taken = listening()
    server = create_server(echo)
    server.on("error", lambda error: server.listen(0, "127.0.0.1"))
    server.listen(taken.address().port, "127.0.0.1")
    eventually(lambda: server.listening)
    assert answers(server)


# --- close ------------------------------------------------------------------------------------------------------------

def test_listening_again_after_close_tells_listening_and_close_again():
    server, opened, closed = create_server(echo), Box(), Box()
    server.on("listening", opened).on("close", closed)
    for _ in range(3):
        server.listen(0, "127.0.0.1")
        opened.wait()
        assert answers(server)
        server.close()
        closed.wait()
    assert len(opened.calls) == len(closed.calls) == 3


def test_listening_again_in_the_close_listener():
    server, closed, opened = create_server(echo), Box(), Box()
    server.once("close", lambda: (server.listen(0, "127.0.0.1", opened), closed()))
    server.listen(0, "127.0.0.1").close()
    closed.wait()
    opened.wait()
    assert answers(server)
    server.close()
    server.wait_for("close", WAIT)


def test_listening_again_while_old_connections_are_open_closes_once():
    came, closed, opened = Box(), Box(), Box()
    server = listening(came)
    server.on("close", closed).on("listening", opened)
    with dial(server):
        old = came.wait()[0]
        opened.wait()
        server.close()
        server.listen(0, "127.0.0.1")
        opened.wait()
        with dial(server):
            came.wait()
            server.close()
            old.destroy()
            old.wait_for("close", WAIT)
            assert closed.calls == []
        came.calls[-1][0].destroy()
        closed.wait()
    assert closed.calls == [()] and len(opened.calls) == 2


def test_the_port_is_free_when_close_returns():
    port = None
    for _ in range(50):
        server = create_server().listen(port or 0, "127.0.0.1")
        port = server.address().port
        server.close()
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            sock.listen()
        assert refuses(port)


def test_close_callbacks():
    server, closed = listening(), Box()
    server.close(closed)
    assert closed.wait() == (None,)


def test_closing_what_is_not_open():
    server, closed = create_server(), Box()
    assert server.close(closed) is server
    assert closed.wait()[0].code == "ERR_SERVER_NOT_RUNNING"


def test_closing_twice():
    server, first, second = listening(), Box(), Box()
    server.close(first).close(second)
    assert first.wait() == (None,)
    assert second.wait()[0].code == "ERR_SERVER_NOT_RUNNING"


def test_closing_while_the_name_is_looked_up(monkeypatch):
    server, opened, go = create_server(), Box(), threading.Event()
    getaddrinfo = socket.getaddrinfo

    def slow(*args):
        assert go.wait(WAIT)
        return getaddrinfo(*args)
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    server.on("listening", opened)
    server.listen(0, "localhost").close()
    go.set()
    server.wait_for("close", WAIT)
    assert server.address() is None and opened.calls == []


def test_close_comes_after_the_delivered_close_of_all_sockets():
    order, came, closed = [], Box(), Box()
    release = threading.Event()

    def on_connection(sock):
        sock.on("close", lambda had_error: (release.wait(WAIT), order.append("socket")))
        came(sock)
    server = listening(on_connection)
    server.on("close", lambda: order.append("server")).on("close", closed)
    clients = [dial(server) for _ in range(3)]
    came.wait(3)
    server.close()
    server.close_all_connections()
    release.set()
    closed.wait()
    assert order == ["socket"] * 3 + ["server"]
    for client in clients:
        client.close()


def test_close_waits_for_open_connections():
    came, closed = Box(), Box()
    server = listening(came)
    server.on("close", closed)
    with dial(server) as client:
        sock = came.wait()[0]
        server.close()
        assert refuses_port_of(client)
        assert closed.calls == [] and sock in server.connections
    sock.resume()
    closed.wait()
    assert server.connections == frozenset()


def refuses_port_of(client):
    return refuses(client.getpeername()[1])


def test_a_listener_for_listening_is_not_called_once_close_was():
    came, heard = Box(), Box()
    server = listening(came)
    server.wait_for("listening", WAIT)
    with dial(server):
        came.wait()
        server.close()
        server.on("listening", heard)
    came.calls[0][0].destroy()
    server.wait_for("close", WAIT)
    assert heard.calls == []


def test_dispose_is_done_when_closed():
    server, closed = listening(), Box()
    server.on("close", closed)
    future = server.dispose()
    assert future.result(WAIT) is None
    assert closed.calls == [()]


def test_dispose_of_a_server_that_never_listened_is_done_at_once():
    assert create_server().dispose().result(WAIT) is None


def test_dispose_twice():
    server = listening()
    first, second = server.dispose(), server.dispose()
    first.result(WAIT), second.result(WAIT)
    assert server.dispose().result(WAIT) is None


def test_async_with():
    import asyncio

    async def main():
        async with listening() as server:
            assert server.listening
        return server
    assert not asyncio.run(main()).listening


def test_with_leaves_when_the_connections_are_gone():
    came, closed = Box(), Box()
    with listening(came) as server:
        server.on("close", closed)
        client = dial(server)
        came.wait()[0].end()
        assert client.recv(1) == b""
        client.close()
    assert closed.calls == [()] and not server.listening


# --- shutdown ---------------------------------------------------------------------------------------------------------

def test_shutdown_lets_connections_finish():
    server = listening(echo)
    client = dial(server)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    threading.Thread(target=lambda: (eventually(lambda: not server.listening), client.close())).start()
    assert server.shutdown(WAIT) == 0
    assert server.connections == frozenset()


def test_shutdown_destroys_what_is_left_and_tells_how_many():
    came, closed = Box(), Box()
    server = listening(came)
    server.on("close", closed)
    clients = [dial(server) for _ in range(3)]
    came.wait(3)
    assert server.shutdown(0.05) == 3
    assert closed.calls == [()]
    for client in clients:
        client.settimeout(WAIT)
        assert client.recv(1) == b""
        client.close()


def test_shutdown_of_a_server_that_does_not_listen():
    assert create_server().shutdown(WAIT) == 0
    server = listening()
    assert server.shutdown() == 0
    assert server.shutdown() == 0


def test_shutdown_in_a_connection_listener_does_not_wait_for_it():
    returned = Box()
    server = create_server()
    server.on("connection", lambda sock: returned(server.shutdown(0.05)))
    server.listen(0, "127.0.0.1")
    with dial(server):
        assert returned.wait() == (1,)
        server.wait_for("close", WAIT)


def test_shutdown_in_a_data_listener_waits_for_the_others():
    came, returned = Box(), Box()

    def on_connection(sock):
        sock.on("data", lambda chunk: returned(server.shutdown(WAIT), len(server.connections)))
        came(sock)
    server = listening(on_connection)
    with dial(server) as client:
        other = dial(server)
        came.wait(2)
        client.sendall(b"x")
        other.close()
        for sock, in came.calls:
            if sock.remote_port == other_port(client):
                sock.resume()
        assert returned.wait()[0] <= 2
        server.wait_for("close", WAIT)


def other_port(client):
    return client.getsockname()[1]


def test_shutdown_in_a_listener_of_the_server():
    returned = Box()
    server = create_server()
    server.on("listening", lambda: returned(server.shutdown(WAIT)))
    server.listen(0)
    assert returned.wait() == (0,)
    server.wait_for("close", WAIT)


def test_close_all_connections_leaves_it_listening():
    came = Box()
    server = listening(came)
    clients = [dial(server) for _ in range(3)]
    came.wait(3)
    server.close_all_connections()
    for client in clients:
        assert client.recv(1) == b""
        client.close()
    eventually(lambda: not server.connections)
    assert server.listening
    server.off("connection", came).on("connection", echo)
    assert answers(server)


def test_close_all_connections_takes_those_that_nobody_has_yet():
    server = listening()
    with dial(server) as client:
        eventually(lambda: server.connections)
        server.close_all_connections()
        assert client.recv(1) == b""
    eventually(lambda: not server.connections)
    server.close()
    server.wait_for("close", WAIT)


def test_closing_ends_connections_that_nobody_has_yet():
    server = listening()
    with dial(server) as client:
        eventually(lambda: server.connections)
        server.close()
        assert client.recv(1) == b""
        server.wait_for("close", WAIT)


# --- serve_forever ----------------------------------------------------------------------------------------------------

def test_serve_forever_returns_when_closed():
    server = listening()
    threading.Timer(0.05, server.close).start()
    server.serve_forever()
    assert not server.listening


def test_serve_forever_raises_what_listen_failed_with():
    taken = listening()
    server = create_server().listen(taken.address().port, "127.0.0.1")
    with pytest.raises(OSError) as caught:
        server.serve_forever()
    assert caught.value.code == "EADDRINUSE"


def test_serve_forever_raises_when_the_name_is_not_found():
    with pytest.raises(socket.gaierror) as caught:
        create_server().listen(0, "does-not-exist.invalid").serve_forever()
    assert caught.value.code in ("ENOTFOUND", "EAI_AGAIN")


def test_serve_forever_of_a_server_never_told_to_listen():
    with pytest.raises(RuntimeError) as caught:
        create_server().serve_forever()
    assert caught.value.code == "ERR_SERVER_NOT_RUNNING"


def test_serve_forever_in_its_own_listener_is_refused():
    outcome = Box()
    server = create_server()

    def on_listening():
        try:
            server.serve_forever()
        except RuntimeError as error:
            outcome(str(error))
    server.on("listening", on_listening).listen(0)
    assert "wait for ever" in outcome.wait()[0]


@posix
def test_ctrl_c_gives_one_keyboard_interrupt(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import netcompat\n"
                       "server = netcompat.create_server(lambda s: s.resume()).listen(0, '127.0.0.1')\n"
                       "print(server.address().port, flush=True)\n"
                       "server.serve_forever()\n")
    process = subprocess.Popen([sys.executable, str(program)], env=script_environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True)
    port = int(process.stdout.readline())
    with socket.create_connection(("127.0.0.1", port), WAIT) as client:
        client.sendall(b"x")
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=20)[1]
    assert stderr.count("KeyboardInterrupt") == 1 and stderr.count("Traceback") == 1
    assert process.returncode in (1, 130, -signal.SIGINT)


# --- who gets a connection --------------------------------------------------------------------------------------------

def test_connections_are_handled_in_parallel():
    together = threading.Barrier(4)
    passed = Box()
    server = listening(lambda sock: passed(together.wait(WAIT)))
    clients = [dial(server) for _ in range(4)]
    passed.wait(4)
    for client in clients:
        client.close()


def test_a_raising_connection_listener_destroys_only_that_socket(reported):
    problem = ValueError("this one only")
    raised = []

    def on_connection(sock):
        if not raised:
            raised.append(sock)
            raise problem
        echo(sock)
    server = listening(on_connection)
    with dial(server) as client:
        assert client.recv(1) == b""
    assert reported.take(ValueError).exc_value is problem
    raised[0].wait_for("close", WAIT) if not raised[0].destroyed else None
    assert server.listening and answers(server)


def test_a_raising_drop_listener_is_an_error_of_the_server(reported):
    server, failed = listening(), Box()
    server.max_connections = 0
    problem = ValueError("in drop")

    def on_drop(data):
        raise problem
    server.on("drop", on_drop).on("error", failed)
    with dial(server):
        assert failed.wait() == (problem,)
    assert reported.take(ValueError).exc_value is problem
    assert server.listening


def test_a_connection_without_listener_waits_for_one():
    server = listening()
    with dial(server) as client:
        client.sendall(b"early")
        client.shutdown(socket.SHUT_WR)
        eventually(lambda: server.connections)
        order, over = [], Box()

        def on_connection(sock):
            order.append("connection")
            sock.on("data", lambda chunk: order.append(chunk))
            sock.on("end", lambda: order.append("end"))
            sock.on("close", over)
        server.on("connection", on_connection)
        over.wait()
    assert order == ["connection", b"early", "end"]


def test_no_event_of_a_socket_comes_before_its_connection():
    server = listening()
    with dial(server):
        sock, = eventually(lambda: server.connections)
        order, over = [], Box()
        sock.on("close", lambda had_error: (order.append("close"), over()))
        sock.destroy()
        server.on("connection", lambda accepted: order.append("connection"))
        over.wait()
    assert order == ["connection", "close"]


def test_once_connection_leaves_the_second_for_another_listener():
    first, second = Box(), Box()
    server = listening()
    server.once("connection", first)
    clients = [dial(server) for _ in range(2)]
    eventually(lambda: len(server.connections) == 2)
    taken = first.wait()[0]
    server.on("connection", second)
    other = second.wait()[0]
    assert {taken, other} == set(server.connections) and len(first.calls) == 1
    for client in clients:
        client.close()


def test_waiting_for_connection_returns_one_that_came_before():
    server = listening()
    with dial(server) as client:
        eventually(lambda: server.connections)
        sock, = server.wait_for("connection", WAIT)
        sock.write(b"hello")
        assert client.recv(5) == b"hello"


def test_waiting_for_connection_beside_a_listener():
    came, waited = Box(), Box()
    server = listening(came)
    thread = threading.Thread(target=lambda: waited(server.wait_for("connection", WAIT)[0]))
    thread.start()
    eventually(lambda: server._waiters)
    with dial(server):
        assert waited.wait() == came.wait()
    thread.join()


def test_get_connections():
    came, counted = Box(), Box()
    server = listening(came)
    assert server.get_connections() == 0
    with dial(server), dial(server):
        came.wait(2)
        assert server.get_connections(counted) == 2
        assert counted.wait() == (None, 2)


def test_connections_is_an_immutable_snapshot():
    came = Box()
    server = listening(came)
    with dial(server):
        sock = came.wait()[0]
        snapshot = server.connections
        assert snapshot == frozenset([sock]) and isinstance(snapshot, frozenset)
        assert sock.server is server
        sock.destroy()
        sock.wait_for("close", WAIT)
        eventually(lambda: not server.connections)
        assert snapshot == frozenset([sock])


# --- accept -----------------------------------------------------------------------------------------------------------

def test_accept_returns_a_connection():
    server = listening()
    with dial(server) as client:
        sock = server.accept(WAIT)
        client.sendall(b"x")
        assert sock.recv(1, WAIT) == b"x"
        sock.destroy()


def test_accept_waits_for_one():
    server, got = listening(), Box()
    thread = threading.Thread(target=lambda: got(server.accept(WAIT)))
    thread.start()
    eventually(lambda: server._acceptors)
    with dial(server) as client:
        got.wait()[0].end(b"bye")
        assert client.recv(3) == b"bye"
    thread.join()


def test_accept_takes_parked_connections_in_order():
    server = listening()
    clients = [dial(server) for _ in range(3)]
    eventually(lambda: len(server.connections) == 3)
    assert [server.accept(WAIT).remote_port for _ in clients] == [other_port(client) for client in clients]
    for client in clients:
        client.close()


def test_accept_times_out_and_loses_nobody():
    server = listening()
    with pytest.raises(TimeoutError):
        server.accept(0.01)
    with dial(server):
        assert server.accept(WAIT).remote_address == "127.0.0.1"


def test_accept_beside_a_listener_is_refused():
    with pytest.raises(RuntimeError, match="listener"):
        listening(echo).accept(0)


def test_accept_on_a_server_that_does_not_listen():
    with pytest.raises(RuntimeError) as caught:
        create_server().accept(WAIT)
    assert caught.value.code == "ERR_SERVER_NOT_RUNNING"


def test_accept_raises_what_listen_failed_with():
    taken = listening()
    server = create_server().listen(taken.address().port, "127.0.0.1")
    with pytest.raises(OSError) as caught:
        server.accept(WAIT)
    assert caught.value.code == "EADDRINUSE"


def test_accept_raises_when_the_name_is_not_found():
    server = create_server().listen(0, "does-not-exist.invalid")
    with pytest.raises(socket.gaierror):
        server.accept(WAIT)


def test_closing_wakes_who_waits_in_accept():
    server, caught = listening(), Box()

    def wait():
        try:
            server.accept(WAIT)
        except RuntimeError as error:
            caught(error.code)
    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(server._acceptors) == 3)
    server.close()
    for thread in threads:
        thread.join(WAIT)
    assert caught.calls == [("ERR_SERVER_NOT_RUNNING",)] * 3


def test_iteration_ends_with_the_server():
    server, seen = listening(), []

    def serve():
        for sock in server:
            seen.append(sock.recv(1, WAIT))
            sock.destroy()
    thread = threading.Thread(target=serve)
    thread.start()
    for letter in (b"a", b"b"):
        with dial(server) as client:
            client.sendall(letter)
            assert client.recv(1) == b""
    server.close()
    thread.join(WAIT)
    assert seen == [b"a", b"b"] and not thread.is_alive()


def test_more_than_the_backlog_is_not_accepted_until_somebody_takes_it():
    server = create_server().listen(port=0, host="127.0.0.1", backlog=2)
    clients = [dial(server) for _ in range(4)]
    eventually(lambda: len(server.connections) == 2)
    taken = [server.accept(WAIT) for _ in clients]
    assert sorted(sock.remote_port for sock in taken) == sorted(other_port(client) for client in clients)
    for client in clients:
        client.close()


# --- limits -----------------------------------------------------------------------------------------------------------

def test_max_connections_drops_and_tells_whom():
    came, dropped = Box(), Box()
    server = listening(came)
    server.max_connections = 1
    server.on("drop", dropped)
    with dial(server):
        came.wait()
        with dial(server) as second:
            data = dropped.wait()[0]
            assert second.recv(1) == b""
            assert data == ("127.0.0.1", server.address().port, "IPv4", "127.0.0.1", other_port(second), "IPv4")
            assert data.remote_port == other_port(second) and data.local_family == "IPv4"
    assert len(came.calls) == 1
    server.max_connections = None
    with dial(server):
        came.wait()


def test_max_connections_zero_drops_all():
    came, dropped = Box(), Box()
    server = listening(came)
    assert server.max_connections is None
    server.max_connections = 0
    server.on("drop", dropped)
    with dial(server) as client:
        dropped.wait()
        assert client.recv(1) == b""
    assert came.calls == [] and server.connections == frozenset()


def test_a_drop_on_ipc_has_no_data(ipc_path):
    dropped = Box()
    server = create_server().on("drop", dropped)
    server.max_connections = 0
    server.listen(ipc_path)
    with dial(server):
        assert dropped.wait() == (None,)


@pytest.mark.parametrize("limit", [-1, "x", 1.5, True])
def test_a_bad_limit_is_refused(limit):
    server = create_server()
    with pytest.raises((TypeError, ValueError)) as caught:
        server.max_connections = limit
    assert caught.value.code in ("ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE")


def test_a_blocked_client_never_gets_in():
    blocked, came, dropped = BlockList(), Box(), Box()
    blocked.add_address("127.0.0.1")
    server = create_server(came, block_list=blocked).on("drop", dropped).listen(0, "127.0.0.1")
    with dial(server) as client:
        assert client.recv(1) == b""
    blocked.clear()
    with dial(server):
        came.wait()
    assert len(came.calls) == 1 and dropped.calls == []


def test_an_ipv4_rule_holds_on_a_dual_stack_server():
    blocked, came = BlockList(), Box()
    blocked.add_subnet("127.0.0.0", 8)
    server = create_server(came, block_list=blocked).listen(0)
    with dial(server, "127.0.0.1") as client:      # it is ::ffff:127.0.0.1 for the server
        assert client.recv(1) == b""
    with dial(server, "::1"):
        assert came.wait()[0].remote_address == "::1"
    assert len(came.calls) == 1


# --- options for the accepted sockets ---------------------------------------------------------------------------------

def accepted_by(**options):
    came = Box()
    server = listening(came, **options)
    client = dial(server)
    return came.wait()[0], client


def test_pause_on_connect_leaves_even_the_first_byte_in_the_kernel():
    came = Box()
    server = listening(came, pause_on_connect=True)
    with dial(server) as client:
        client.sendall(b"hello")
        sock, got = came.wait()[0], Box()
        sock.on("data", got)
        with socket.socket(fileno=socket.dup(sock.fileno())) as copy:
            copy.settimeout(WAIT)
            assert copy.recv(5, socket.MSG_PEEK) == b"hello"
        assert sock.is_paused() and sock.bytes_read == 0 and got.calls == []
        sock.resume()
        assert got.wait() == (b"hello",)


@pytest.mark.parametrize("wanted", [True, False])
def test_no_delay_of_accepted_sockets(wanted):
    sock, client = accepted_by(no_delay=wanted)
    assert bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) is wanted
    client.close()


@linux
def test_keep_alive_of_accepted_sockets():
    sock, client = accepted_by(keep_alive=True, keep_alive_initial_delay=33000)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 33
    client.close()


def test_keep_alive_is_off_by_default():
    sock, client = accepted_by()
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
    client.close()


def test_high_water_mark_of_accepted_sockets():
    sock, client = accepted_by(high_water_mark=1234)
    assert sock.readable_high_water_mark == sock.writable_high_water_mark == 1234
    client.close()


def test_allow_half_open_lets_accepted_sockets_answer_after_the_end():
    server = create_server(lambda sock: sock.on("end", lambda: later(sock)).resume(), allow_half_open=True)

    def later(sock):
        threading.Timer(0.05, lambda: sock.end(b"late")).start()
    server.listen(0, "127.0.0.1")
    with dial(server) as client:
        client.shutdown(socket.SHUT_WR)
        assert client.recv(4) == b"late"


def test_dispatch_is_inherited_by_accepted_sockets():
    queue, threads = netcompat.EventQueue(), []
    server = create_server(lambda sock: (threads.append(threading.get_ident()), sock.on(
        "data", lambda chunk: (threads.append(threading.get_ident()), sock.end(chunk)))), dispatch=queue.put)
    server.listen(0, "127.0.0.1")
    with dial(server) as client:
        client.sendall(b"x")
        queue.run_until(lambda: len(threads) == 2, WAIT)
        assert client.recv(1) == b"x"
    assert set(threads) == {threading.get_ident()}
    server.close()
    queue.run_until(lambda: not server.connections and not server._living, WAIT)


# --- out of descriptors -----------------------------------------------------------------------------------------------

@posix
def test_out_of_descriptors_is_one_error_no_spinning_and_service_resumes(run_script):
    done = run_script("""
        import os, resource, socket, threading, time
        import netcompat

        errors = []
        server = netcompat.create_server(lambda sock: sock.on('data', sock.write)).listen(0, '127.0.0.1')
        server.on('error', errors.append)
        server.wait_for('listening')
        port = server.address().port
        with socket.create_connection(('127.0.0.1', port)) as warm:     # everything that is made once is made
            warm.sendall(b'x')
            assert warm.recv(1) == b'x'
        clients = [socket.socket() for _ in range(4)]
        taken = []
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) + 8, 256))
        while True:
            try:
                taken.append(os.dup(0))
            except OSError:
                break
        for client in clients:
            client.settimeout(10)
            client.connect(('127.0.0.1', port))
            client.sendall(b'x')
        while not errors:
            time.sleep(0.01)
        before, wakeups = time.process_time(), netcompat.stats()['reactor_wakeups']
        time.sleep(1.0)
        used, woken = time.process_time() - before, netcompat.stats()['reactor_wakeups'] - wakeups
        for number in taken:
            os.close(number)
        answers = [client.recv(1) for client in clients]
        print([error.code for error in errors], [error.syscall for error in errors], answers == [b'x'] * 4)
        print('quiet' if used < 0.3 and woken < 60 else (used, woken))
        for client in clients:
            client.close()
        server.close()
    """, timeout=40)
    assert done.stdout.splitlines() == ["['EMFILE'] ['accept'] True", "quiet"], done.stderr
    assert done.stderr == ""


@posix
def test_a_descriptor_that_comes_free_is_used_at_once(run_script):
    done = run_script("""
        import os, resource, socket, time
        import netcompat

        server = netcompat.create_server(lambda sock: sock.on('data', sock.write)).listen(0, '127.0.0.1')
        failed = []
        server.on('error', failed.append)
        port = server.address().port
        first = socket.create_connection(('127.0.0.1', port))
        first.sendall(b'x')
        assert first.recv(1) == b'x'
        second = socket.socket()
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir('/proc/self/fd')) + 8, 256))
        taken = []
        while True:
            try:
                taken.append(os.dup(0))
            except OSError:
                break
        second.settimeout(10)
        second.connect(('127.0.0.1', port))
        second.sendall(b'y')
        while not failed:
            time.sleep(0.001)
        server.close_all_connections()      # a connection of ours ends: its descriptor serves the next one
        print(second.recv(1))
        server.close()
        server.close_all_connections()
    """, timeout=40)
    assert done.stdout == "b'y'\n", done.stderr


@posix
def test_a_descriptor_closed_by_foreign_code_does_not_keep_it_from_closing():
    server, failed = listening(), Box()
    server.on("error", failed)
    server.wait_for("listening", WAIT)
    socket.close(server._listener.socket.fileno())
    server.close()
    server.wait_for("close", WAIT)
    assert all(error.code == "EBADF" for error, in failed.calls)


# --- threads ----------------------------------------------------------------------------------------------------------

def test_listen_and_close_from_many_threads(fast_switching):
    server, closed = create_server(), Box()
    server.on("close", closed).on("error", lambda error: None)
    begun = []

    def work():
        for _ in range(20):
            try:
                server.listen(0, "127.0.0.1")
                begun.append(None)
            except RuntimeError as error:
                assert error.code == "ERR_SERVER_ALREADY_LISTEN"
            server.close()
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert server.shutdown(WAIT) == 0
    assert 1 <= len(closed.calls) <= len(begun)
    assert not server.listening


def test_close_from_a_connection_listener_while_clients_come(fast_switching):
    for _ in range(10):
        server = create_server()
        server.on("connection", lambda sock: (sock.destroy(), server.close()))
        where = server.listen(0, "127.0.0.1").address()
        clients = [socket.socket() for _ in range(8)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex((where.address, where.port))
        server.wait_for("close", WAIT)
        for client in clients:
            client.close()


def test_the_class_takes_the_options_of_create_server():
    came = Box()
    server = Server(came, no_delay=True).listen(0, "127.0.0.1")
    with dial(server):
        assert came.wait()[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_idle_it_makes_no_wakeups():
    server = listening()
    server.wait_for("listening", WAIT)
    eventually(lambda: netcompat.stats()["busy"] == 0)
    before = netcompat.stats()["reactor_wakeups"]
    time.sleep(0.3)         # what is watched is that nothing happens
    assert netcompat.stats()["reactor_wakeups"] - before <= 1


def test_a_change_at_the_moment_when_somebody_begins_to_wait_for_one_is_not_lost(monkeypatch):
    """Another connection ends just before the gate is entered; and later the last one."""
    enter, struck = Server._enter, threading.Event()

    def enter_late(self, call, *args):
        if args and isinstance(args[0], Waiter) and not struck.is_set():
            enter(self, self._changed)
            struck.set()
        return enter(self, call, *args)
    server = create_server(lambda sock: sock.on("data", print)).listen(0, "127.0.0.1")
    client = connect(server.address().port, "127.0.0.1")
    eventually(lambda: server.connections)
    monkeypatch.setattr(Server, "_enter", enter_late)
    thread = threading.Thread(target=server.shutdown)
    thread.start()
    assert struck.wait(WAIT)
    eventually(lambda: netcompat.stats()["handles"] == {"server": 1, "tcp": 2})
    client.destroy()
    thread.join(WAIT)
    assert not thread.is_alive()
