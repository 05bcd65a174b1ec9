"""IPC paths: Unix-domain sockets, named pipes on Windows. Forms, traffic, permissions, who removes what, errors."""
import errno
import hashlib
import os
import socket
import stat
import sys
import threading
from pathlib import Path

import pytest
from conftest import eventually
from connections import InThread, needs_unix

from netcompat import BoundSocket, Socket, connect, create_server

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")

WAIT = 10.0
ON_PIPES = sys.platform == "win32"
LIMIT = 256 if ON_PIPES else 107 if sys.platform.startswith("linux") else 103
FOLDER = "\\\\.\\pipe\\" if ON_PIPES else "/tmp/"


def echo(sock):
    sock.on("data", sock.write)


def echoes(path):
    client = connect(path)
    try:
        client.write(b"hello")
        return client.recv(5, WAIT) == b"hello"
    finally:
        client.destroy()


def error_of(emitter):
    return emitter.wait_for("error", WAIT)[0]


def exists(path):
    """Is there a file of that name, or, where there are no files, somebody to connect to?"""
    if not ON_PIPES:
        return os.path.exists(path)
    sock = connect(path)
    try:
        sock.wait_for("connect", WAIT)
        return True
    except FileNotFoundError:
        return False
    finally:
        sock.destroy()


def failed_listen(path, **options):
    server, errors, heard = create_server(), [], threading.Event()
    server.on("error", lambda error: (errors.append(error), heard.set()))
    server.listen(path, **options)
    assert heard.wait(WAIT)
    assert server.address() is None
    return errors[0]


def failed_connect(path):
    sock, errors, heard = Socket(), [], threading.Event()
    sock.on("error", lambda error: (errors.append(error), heard.set()))
    sock.connect(path)
    assert heard.wait(WAIT)
    return errors[0]


# --- forms ------------------------------------------------------------------------------------------------------------

def test_echo(ipc_path):
    server = create_server(echo).listen(ipc_path)
    assert server.address() == ipc_path
    assert echoes(ipc_path)


@pytest.mark.parametrize("convert", [os.fsencode, Path])
def test_a_path_as_bytes_or_path_object(ipc_path, convert):
    path = convert(ipc_path)
    server = create_server(echo).listen(path)
    assert server.address() == ipc_path
    assert echoes(path)


@pytest.mark.parametrize("convert", [str, os.fsencode, Path])
def test_path_as_keyword(ipc_path, convert):
    create_server(echo).listen(path=convert(ipc_path))
    sock = connect(path=convert(ipc_path))
    sock.wait_for("connect", WAIT)
    sock.destroy()


def test_a_path_that_is_not_ascii(ipc_path):
    path = ipc_path + "-füße"
    server = create_server(echo).listen(path)
    assert server.address() == path and echoes(path)
    assert ON_PIPES or os.path.exists(path)


@linux
def test_a_path_that_is_no_text(ipc_path):
    path = os.fsencode(ipc_path) + b"-\xff"
    server = create_server(echo).listen(path)
    assert server.address() == os.fsdecode(path) and echoes(path)


@linux
@pytest.mark.parametrize("convert", [str, os.fsencode])
def test_an_abstract_name(convert):
    name = convert("\0netcompat-test-{}".format(os.getpid()))
    server = create_server(echo).listen(name)
    assert server.address() == os.fsdecode(name) and echoes(name)
    with open("/proc/net/unix") as table:
        assert "@netcompat-test-{}".format(os.getpid()) in table.read()
    server.close()
    again = create_server(echo).listen(name)        # free when close() has returned
    assert echoes(name)
    again.close()


def test_it_has_no_addresses(ipc_path):
    came, sockets = threading.Event(), []
    create_server(lambda sock: (sockets.append(sock), came.set())).listen(ipc_path)
    sock = connect(ipc_path)
    assert came.wait(WAIT)
    sock.wait_for("connect", WAIT)
    for end in (sock, sockets[0]):
        assert (end.remote_address, end.remote_port, end.local_address) == (None, None, None)
        assert end.address() == (None, None, None)
    sock.destroy()


def test_options_of_tcp_are_without_effect(ipc_path):
    create_server(echo, no_delay=True, keep_alive=True).listen(ipc_path)
    sock = connect(path=ipc_path, no_delay=True, keep_alive=True)
    sock.wait_for("connect", WAIT)
    assert sock.set_no_delay() is sock and sock.set_keep_alive(True, 1000) is sock
    sock.destroy()


def test_a_reset_is_refused(ipc_path):
    create_server(echo).listen(ipc_path)
    sock = connect(ipc_path)
    sock.wait_for("connect", WAIT)
    with pytest.raises(TypeError) as caught:
        sock.reset_and_destroy()
    assert caught.value.code == "ERR_INVALID_HANDLE_TYPE"
    sock.destroy()


# --- traffic ----------------------------------------------------------------------------------------------------------

MEGABYTE = os.urandom(1 << 20)


def hash_of(megabytes):
    digest = hashlib.sha256()
    for _ in range(megabytes):
        digest.update(MEGABYTE)
    return digest.hexdigest()


def send_all(sock, megabytes):
    for _ in range(megabytes):
        sock.sendall(MEGABYTE, 50)


def test_a_hundred_megabytes_each_way_at_once(ipc_path):
    size, digests, ended = 100, [hashlib.sha256(), hashlib.sha256()], [threading.Event(), threading.Event()]

    def count(sock, which):
        def on_data(chunk):
            digests[which].update(chunk)
            if sock.bytes_read == size << 20:
                ended[which].set()
        sock.on("data", on_data)
    peers = []
    server = create_server(lambda sock: (count(sock, 1), peers.append(sock))).listen(ipc_path)
    client = connect(ipc_path)
    count(client, 0)
    eventually(lambda: peers)
    senders = [InThread(send_all, sock, size) for sock in (client, peers[0])]
    for event in ended:
        assert event.wait(50)
    for sender in senders:
        sender.result()
    assert [digest.hexdigest() for digest in digests] == [hash_of(size)] * 2
    client.end()
    client.wait_for("close", WAIT)
    server.close()


def test_a_peer_that_reads_nothing_holds_the_sender_up_and_loses_nothing(ipc_path):
    peers = []
    server = create_server(peers.append, pause_on_connect=True).listen(ipc_path)
    client = connect(ipc_path)
    client.wait_for("connect", WAIT)
    total = 0
    while client.write(MEGABYTE[:1 << 14]):
        total += 1 << 14
        assert total < 1 << 24
    total += 1 << 14
    assert client.writable_length and client.writable_need_drain
    eventually(lambda: peers)
    digest, seen = hashlib.sha256(), threading.Event()
    peers[0].on("data", lambda chunk: (digest.update(chunk), seen.set() if peers[0].bytes_read == total else None))
    peers[0].resume()
    client.wait_for("drain", WAIT)
    assert seen.wait(WAIT)
    assert digest.digest() == hashlib.sha256(MEGABYTE[:1 << 14] * (total >> 14)).digest()
    client.destroy()
    server.close()


def test_all_that_was_written_before_end_arrives_then_the_end(ipc_path):
    got, over = hashlib.sha256(), threading.Event()

    def on_connection(sock):
        sock.on("data", got.update)
        sock.on("end", over.set)
    server = create_server(on_connection).listen(ipc_path)
    client = connect(ipc_path)
    for _ in range(5):
        client.write(MEGABYTE)
    client.end()
    assert over.wait(WAIT) and got.hexdigest() == hash_of(5)
    client.wait_for("close", WAIT)
    server.close()


def test_an_answer_to_the_last_bytes_is_heard_after_end(ipc_path):
    server = create_server(lambda sock: sock.on("data", lambda chunk: sock.write(chunk.upper()))).listen(ipc_path)
    client = connect(ipc_path).end(b"question")
    assert client.recv(100, WAIT) == b"QUESTION"
    assert client.recv(100, WAIT) == b""
    server.close()


def test_a_client_that_is_destroyed_at_any_moment_harms_nobody(ipc_path):
    closed, opened = [], []

    def on_connection(sock):
        opened.append(sock)
        sock.on("error", lambda error: None)
        sock.on("close", lambda had_error: closed.append(sock))
        sock.on("data", sock.write)
    server = create_server(on_connection).listen(ipc_path)
    for turn in range(60):
        client = connect(ipc_path)
        client.on("error", lambda error: None)
        if turn % 3:
            client.write(MEGABYTE[:turn << 12])
        if turn % 4:
            client.wait_for("connect", WAIT)
        if turn % 5 == 4:
            client.recv(1, WAIT) if turn % 3 else None
        client.destroy()
        client.wait_for("close", WAIT)
    assert echoes(ipc_path)
    server.close()
    server.wait_for("close", WAIT)
    assert len(closed) == len(opened)


def test_two_hundred_clients_at_once(ipc_path):
    server = create_server(echo).listen(ipc_path)
    clients = [connect(ipc_path) for _ in range(200)]
    for number, client in enumerate(clients):
        client.write(b"%d" % number)
    for number, client in enumerate(clients):
        assert client.recv(10, 30) == b"%d" % number
    assert server.get_connections() == 200
    for client in clients:
        client.destroy()
    server.close()
    server.wait_for("close", WAIT)


def test_a_server_that_starts_again_on_the_same_path(ipc_path):
    for _ in range(20):
        server = create_server(echo).listen(ipc_path)
        assert echoes(ipc_path)
        server.close()
        server.wait_for("close", WAIT)
    assert failed_connect(ipc_path).code == "ENOENT"
    server.listen(ipc_path)
    assert echoes(ipc_path)


def test_a_path_is_in_use_while_a_server_listens(ipc_path):
    create_server(echo).listen(ipc_path)
    error = failed_listen(ipc_path)
    assert (error.code, error.syscall, error.address) == ("EADDRINUSE", "listen", ipc_path)
    assert str(error) == "listen EADDRINUSE: address already in use {}".format(ipc_path)
    assert echoes(ipc_path)


# --- permissions ------------------------------------------------------------------------------------------------------

@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@linux
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_the_umask_decides_unless_asked_otherwise(ipc_path, umask, mask):
    umask(mask)
    create_server().listen(ipc_path)
    assert mode_of(ipc_path) == 0o777 & ~mask


@needs_unix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("options, mode", [
    ({"readable_all": True}, 0o644), ({"writable_all": True}, 0o622),
    ({"readable_all": True, "writable_all": True}, 0o666)])
def test_readable_and_writable_for_all(ipc_path, umask, mask, options, mode):
    umask(mask)
    create_server().listen(path=ipc_path, **options)
    assert mode_of(ipc_path) == mode


@linux
def test_at_no_moment_is_the_path_wider_than_asked(ipc_path, umask, monkeypatch):
    umask(0)
    seen, bind, listen = [], socket.socket.bind, socket.socket.listen

    def watched_bind(sock, address):
        bind(sock, address)
        seen.append(mode_of(ipc_path))

    def watched_listen(sock, backlog):
        seen.append(mode_of(ipc_path))
        listen(sock, backlog)
        seen.append(mode_of(ipc_path))
    monkeypatch.setattr(socket.socket, "bind", watched_bind)
    monkeypatch.setattr(socket.socket, "listen", watched_listen)
    create_server().listen(path=ipc_path, readable_all=True)
    assert seen == [0o644] * 3


def tries_as_nobody(path, until):
    """Fork a child of another uid that tries to connect again and again; returns (pid, descriptor of its report)."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    got_in = 0
    try:
        os.setgid(65534)
        os.setuid(65534)
        os.write(writer, b".")
        while not os.path.exists(until):
            with socket.socket(socket.AF_UNIX) as sock:
                try:
                    sock.connect(path)
                    got_in += 1
                except OSError as error:
                    if error.errno not in (errno.EACCES, errno.EPERM, errno.ENOENT, errno.ECONNREFUSED):
                        got_in += 1000
        os.write(writer, b"in" if got_in else b"no")
    finally:
        os._exit(0)


@linux
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="needs root, to become somebody else")
@pytest.mark.parametrize("options, allowed", [({"readable_all": True}, b"no"), ({"writable_all": True}, b"in")])
def test_another_user_gets_in_only_where_asked(ipc_path, umask, options, allowed):
    umask(0)
    os.chmod(os.path.dirname(ipc_path), 0o755)
    over = ipc_path + "-over"
    pid, report = tries_as_nobody(ipc_path, over)
    try:
        assert os.read(report, 1) == b"."
        for _ in range(100):
            server = create_server(lambda sock: sock.destroy()).listen(path=ipc_path, **options)
            server.close()
            server.wait_for("close", WAIT)
        if allowed == b"in":
            came = threading.Event()
            create_server(lambda sock: (sock.destroy(), came.set())).listen(path=ipc_path, **options)
            assert came.wait(WAIT)
        open(over, "w").close()
        assert os.read(report, 2) == allowed
    finally:
        open(over, "w").close()
        os.waitpid(pid, 0)
        os.close(report)


# --- who removes the path ---------------------------------------------------------------------------------------------

@needs_unix
def test_close_removes_the_path(ipc_path):
    server = create_server().listen(ipc_path)
    assert stat.S_ISSOCK(os.stat(ipc_path).st_mode)
    server.close()
    assert not os.path.exists(ipc_path)


@needs_unix
def test_the_path_is_free_when_close_returns(ipc_path):
    for _ in range(50):
        create_server().listen(ipc_path).close()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(ipc_path)
        os.unlink(ipc_path)


@needs_unix
def test_a_path_that_is_somebody_elses_by_now_stays(ipc_path):
    server = create_server().listen(ipc_path)
    os.unlink(ipc_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(ipc_path)
        server.close()
        assert os.path.exists(ipc_path)


@needs_unix
def test_a_file_in_place_of_the_path_stays(ipc_path):
    server = create_server().listen(ipc_path)
    os.unlink(ipc_path)
    with open(ipc_path, "w") as file:
        file.write("precious")
    server.close()
    assert os.path.exists(ipc_path)


@needs_unix
def test_a_link_in_place_of_the_path_stays(ipc_path):
    server = create_server().listen(ipc_path)
    os.rename(ipc_path, ipc_path + "2")
    os.symlink(ipc_path + "2", ipc_path)
    server.close()
    assert os.path.islink(ipc_path)


@needs_unix
def test_a_path_that_is_gone_already_is_no_error(ipc_path):
    server = create_server().listen(ipc_path)
    os.unlink(ipc_path)
    server.close()
    server.wait_for("close", WAIT)


@needs_unix
def test_a_relative_path_is_removed_although_the_folder_changed(ipc_path):
    before = os.getcwd()
    os.chdir(os.path.dirname(ipc_path))
    try:
        server = create_server(echo).listen("s")
        assert is_path_form(server.address(), "s") and echoes("s")
        os.chdir("/")
        server.close()
        assert not os.path.exists(ipc_path)
    finally:
        os.chdir(before)


def is_path_form(address, path):
    return address == path


@needs_unix
def test_a_path_left_behind_is_in_use(ipc_path):
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(ipc_path)
    error = failed_listen(ipc_path)
    assert (error.code, error.syscall, error.address) == ("EADDRINUSE", "listen", ipc_path)
    assert str(error) == "listen EADDRINUSE: address already in use {}".format(ipc_path)
    assert os.path.exists(ipc_path)


@needs_unix
def test_a_listener_that_could_not_listen_removes_its_path(ipc_path, monkeypatch):
    def refuse(sock, backlog):
        raise OSError(errno.ENOBUFS, "no")
    monkeypatch.setattr(socket.socket, "listen", refuse)
    assert failed_listen(ipc_path).code == "ENOBUFS"
    assert not os.path.exists(ipc_path)


# --- errors -----------------------------------------------------------------------------------------------------------

@needs_unix
def test_listening_in_a_missing_folder(ipc_path):
    path = os.path.join(os.path.dirname(ipc_path), "missing", "s")
    error = failed_listen(path)
    assert isinstance(error, FileNotFoundError)
    assert (error.code, error.syscall, error.address) == ("ENOENT", "listen", path)


def test_connecting_to_a_missing_path(ipc_path):
    error = failed_connect(ipc_path)
    assert isinstance(error, FileNotFoundError)
    assert str(error) == "connect ENOENT {}".format(ipc_path) and error.port is None


@needs_unix
def test_connecting_where_nobody_listens(ipc_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(ipc_path)
    assert str(failed_connect(ipc_path)) == "connect ECONNREFUSED {}".format(ipc_path)


def test_connecting_to_a_file(tmp_path):
    path = tmp_path / "f"
    path.write_text("")
    assert failed_connect(path).code in ("ECONNREFUSED", "ENOTSOCK")


@pytest.mark.parametrize("fail", [failed_listen, failed_connect])
@pytest.mark.parametrize("letter", ["x", "ü"])
def test_a_path_that_is_too_long(fail, letter):
    path = FOLDER + letter * LIMIT
    error = fail(path)
    assert error.code == "ENAMETOOLONG" and error.errno == errno.ENAMETOOLONG and error.address == path
    assert path in str(error) and str(LIMIT) in str(error)


def test_the_longest_path_works(ipc_path):
    path = ipc_path + "x" * (LIMIT - len(os.fsencode(ipc_path)))        # ASCII: as many bytes as characters
    create_server(echo).listen(path)
    assert echoes(path)


def test_a_failed_listen_leaves_the_server_usable(ipc_path):
    server = create_server(echo)
    server.on("error", lambda error: None)
    server.listen(FOLDER + "x" * 300)
    server.listen(ipc_path)
    assert echoes(ipc_path)


# --- BoundSocket ------------------------------------------------------------------------------------------------------

def test_a_bound_path_is_adopted_with_its_path(ipc_path):
    bound = BoundSocket(path=ipc_path)
    assert bound.is_pipe and bound.address() == ipc_path and bound.fd() > 0
    server = create_server(echo).listen(handle=bound)
    assert server.address() == ipc_path and echoes(ipc_path)
    server.close()
    assert not exists(ipc_path)


def test_a_bound_path_that_nobody_adopted_is_removed(ipc_path):
    with BoundSocket(path=ipc_path):
        assert exists(ipc_path)
    assert not exists(ipc_path)


@needs_unix
def test_a_bound_path_that_is_somebody_elses_by_now_stays(ipc_path):
    with BoundSocket(path=ipc_path) as bound:
        os.unlink(ipc_path)
        with open(ipc_path, "w"):
            pass
        assert bound.is_pipe
    assert os.path.exists(ipc_path)


def test_a_bound_path_that_is_in_use(ipc_path):
    create_server().listen(ipc_path)
    with pytest.raises(OSError) as caught:
        BoundSocket(path=ipc_path)
    assert (caught.value.code, caught.value.syscall) == ("EADDRINUSE", "bind")


@needs_unix
def test_connecting_from_a_bound_path(ipc_path):
    peers, came = [], threading.Event()
    create_server(lambda sock: (peers.append(sock), came.set())).listen(ipc_path)
    own = ipc_path + "-client"
    sock = Socket(handle=BoundSocket(path=own)).connect(ipc_path)
    assert came.wait(WAIT)
    with socket.socket(fileno=os.dup(peers[0].fileno())) as copy:
        assert copy.getpeername() == own
    sock.destroy()
    sock.wait_for("close", WAIT)


def test_connecting_from_a_tcp_address_to_a_path_is_an_error(ipc_path):
    create_server().listen(ipc_path)
    sock, errors = Socket(handle=BoundSocket(port=0, host="127.0.0.1")), []
    sock.on("error", errors.append)
    sock.connect(ipc_path)
    with pytest.raises(OSError):
        sock.wait_for("connect", WAIT)
    eventually(lambda: errors)
    assert errors[0].code == "EINVAL"
