"""Reading, on real connections: events, `read`, `onread`, pipes, and the helpers that block."""
import base64
import hashlib
import http.client
import http.server
import io
import os
import pickle
import socket as stdlib_socket
import threading
import time
from typing import Any, Iterator, List

import pytest

import netcompat
from conftest import eventually
from connections import BIG, IPC, WAIT, InThread, Told, connected, listening, needs_half_close, on_wine, reset
from netcompat.runtime.reactor import EDGE, reactor


@pytest.fixture(params=["tcp", IPC])
def pair(request: Any, ipc_path: str) -> Iterator[Any]:
    """A connected `Socket` and its peer, over TCP and over an IPC path."""
    yield from connected(request.param, ipc_path)


@pytest.fixture
def tcp_pair() -> Iterator[Any]:
    yield from connected("tcp", "")


class Collector:
    """A 'data' listener that joins what comes, and can be waited for."""

    def __init__(self) -> None:
        self.chunks: List[Any] = []
        self.joined: Any = None
        self._changed = threading.Condition()

    def __call__(self, chunk: Any) -> None:
        with self._changed:
            self.chunks.append(chunk)
            self.joined = chunk if self.joined is None else self.joined + chunk
            self._changed.notify_all()

    def until(self, expected: Any) -> None:
        """Waits until exactly this came."""
        with self._changed:
            self._changed.wait_for(lambda: self.joined is not None and len(self.joined) >= len(expected), WAIT)
            assert self.joined == expected


def received(sock: Any, count: int) -> None:
    """Waits until so many bytes were received, whoever has them."""
    eventually(lambda: sock.bytes_read >= count, WAIT)


def flood(peer: Any) -> int:
    """The peer sends until its kernel takes no more; how many bytes that were."""
    total = 0
    peer.socket.settimeout(0.2)
    try:
        while True:
            total += peer.socket.send(bytes(1 << 16))
    except stdlib_socket.timeout:
        peer.socket.settimeout(WAIT)
        return total


# ---- 'data', pause and resume ----

def test_data_comes_in_order_and_then_the_end(pair: Any) -> None:
    sock, peer = pair
    data, told = Collector(), Told()
    sock.on("data", data)
    sock.on("end", lambda: told.add((sock.readable_ended, sock.destroyed, data.joined)))
    peer.socket.sendall(b"one")
    data.until(b"one")
    peer.socket.sendall(b"two")
    data.until(b"onetwo")
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    told.until((True, False, b"onetwo"))
    assert sock.bytes_read == 6


def test_nothing_is_delivered_before_somebody_listens(pair: Any) -> None:
    sock, peer = pair
    assert sock.readable_flowing is None
    peer.socket.sendall(b"early")
    received(sock, 5)
    assert sock.readable_length == 5
    data = Collector()
    sock.on("data", data)
    data.until(b"early")
    assert sock.readable_flowing is True and sock.readable_length == 0


def test_pause_before_the_first_byte_keeps_everything(pair: Any) -> None:
    sock, peer = pair
    data = Collector()
    sock.pause()
    sock.on("data", data)
    peer.socket.sendall(b"kept")
    received(sock, 4)
    assert data.chunks == [] and sock.is_paused() and sock.readable_flowing is False
    sock.resume()
    data.until(b"kept")
    assert not sock.is_paused()


def test_pause_in_a_listener_holds_the_next_chunk(pair: Any) -> None:
    sock, peer = pair
    data = Collector()

    def listener(chunk: bytes) -> None:
        sock.pause()
        data(chunk)
    sock.on("data", listener)
    for number in (1, 2, 3):
        peer.socket.sendall(b"x")
        received(sock, number)
        assert len(data.joined or b"") <= number
        data.until(b"x" * number)
        sock.resume()


def test_pause_and_resume_before_the_connection_hold_for_it() -> None:
    with listening() as listener:
        sock = netcompat.Socket()
        data = Collector()
        sock.on("data", data)
        sock.pause()
        sock.connect(listener.getsockname()[1], "127.0.0.1")
        with listener.accept()[0] as theirs:
            theirs.sendall(b"kept")
            received(sock, 4)               # the listener had asked before pause() did
            assert data.chunks == []
            sock.resume()
            data.until(b"kept")
            sock.destroy()


def test_a_readable_listener_that_came_between_two_lives_has_the_say_in_the_next() -> None:
    with listening() as listener:
        sock = netcompat.Socket().resume()
        for data in (b"", b"kept"):
            sock.connect(listener.getsockname()[1], "127.0.0.1")
            with listener.accept()[0] as theirs:
                if data:
                    sock.wait_for("connect", WAIT)
                    theirs.sendall(data)
                    eventually(lambda: sock.readable_length == len(data))
            if not data:
                sock.wait_for("close", WAIT)
                sock.on("readable", lambda: None)
        assert sock.read() == b"kept"
        sock.destroy()


@pytest.mark.parametrize("how", ["resume", "read", "listen"])
def test_what_was_paused_before_the_connection_reads_nothing_until_asked(how: str) -> None:
    with listening() as listener:
        sock = netcompat.Socket().pause()
        sock.connect(listener.getsockname()[1], "127.0.0.1")
        with listener.accept()[0] as theirs:
            sock.wait_for("connect", WAIT)
            theirs.sendall(b"kept")
            assert sock.bytes_read == 0 and not sock._wants_read()
            if how == "resume":
                sock.resume()
            elif how == "read":
                sock.read(0)
            else:
                sock.on("readable", lambda: None)
            received(sock, 4)
            sock.destroy()


def test_pause_after_the_end_and_resume_after_the_close_do_no_harm(pair: Any) -> None:
    sock, peer = pair
    sock.resume()
    peer.socket.close()
    sock.wait_for("close", WAIT)
    assert sock.pause() is sock and sock.resume() is sock


def test_a_paused_socket_without_data_still_ends(pair: Any) -> None:
    sock, peer = pair
    sock.pause()
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    sock.wait_for("end", WAIT)


def test_a_socket_with_data_that_nobody_takes_does_not_end(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "end")
    peer.socket.sendall(b"x")
    received(sock, 1)
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    eventually(lambda: sock._input != "reading")
    assert told.all == [] and not sock.readable_ended
    assert sock.read() == b"x"
    told.until("end")


def test_no_data_comes_after_destroy(pair: Any) -> None:
    sock, peer = pair
    data = Collector()

    def listener(chunk: bytes) -> None:
        sock.destroy()
        data(chunk)
    sock.on("data", listener)
    sock.on("data", data)               # the second listener of the same chunk
    peer.socket.sendall(b"x")
    sock.wait_for("close", WAIT)
    assert data.chunks == [b"x"]


def test_two_data_listeners_get_the_same_chunks(pair: Any) -> None:
    sock, peer = pair
    first, second = Collector(), Collector()
    sock.on("data", first)
    sock.on("data", second)
    peer.socket.sendall(b"both")
    first.until(b"both")
    second.until(b"both")


def test_once_gets_one_chunk(pair: Any) -> None:
    sock, peer = pair
    told = Told()
    sock.once("data", told.add)
    peer.socket.sendall(b"first")
    told.until(b"first")
    peer.socket.sendall(b"second")
    received(sock, 11)
    assert told.all == [b"first"]


@pytest.mark.parametrize("event, arguments", [("connect", ()), ("ready", ()), ("end", ()), ("finish", ()),
                                              ("close", (False,))])
def test_who_listens_late_is_told_what_was_reached(pair: Any, event: str, arguments: Any) -> None:
    sock, peer = pair
    sock.resume()
    peer.socket.close()
    sock.wait_for("close", WAIT)
    for _ in range(2):                  # each listener, once
        told = Told()
        sock.on(event, lambda *args: told.add(args))
        told.until(arguments)
    assert sock.wait_for(event, 0) == arguments


@on_wine("takes a reset for an end")
def test_who_listens_late_to_error_gets_it(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    reset(peer.socket)
    eventually(lambda: sock._told is not None and "close" in sock._told)
    told = Told().listen(sock, "error", "close")
    told.until(("error", "ECONNRESET"), "close")


def test_wait_for_data_is_refused(tcp_pair: Any) -> None:
    sock, _ = tcp_pair
    with pytest.raises(RuntimeError):
        sock.wait_for("data", 0)


def test_a_listener_that_raises_ends_its_own_connection_only(reported: Any) -> None:
    class Mine(Exception):
        pass

    def listener(chunk: bytes) -> None:
        raise Mine("bad chunk")
    for sock, peer in connected("tcp", ""):
        for other, other_peer in connected("tcp", ""):
            told = Told().listen(sock, "error", "close")
            data = Collector()
            sock.on("data", listener)
            other.on("data", data)
            peer.socket.sendall(b"x")
            told.until(("error", repr(Mine("bad chunk"))), "close")
            other_peer.socket.sendall(b"alive")
            data.until(b"alive")
    reported.take(Mine)


# ---- encodings ----

@pytest.mark.parametrize("encoding, data, text", [
    ("utf8", "añ€𝄞".encode(), "añ€𝄞"), ("utf16le", "a€𝄞".encode("utf-16-le"), "a€𝄞"),
    ("base64", bytes(range(10)), base64.b64encode(bytes(range(10))).decode()), ("hex", b"\0\xff", "00ff"),
    ("latin1", b"\xe9", "é")])
def test_set_encoding_never_tears_a_character(tcp_pair: Any, encoding: str, data: bytes, text: str) -> None:
    sock, peer = tcp_pair
    told, got = Told().listen(sock, "end"), Collector()
    assert sock.set_encoding(encoding) is sock
    sock.on("data", got)
    for index in range(len(data)):
        peer.socket.sendall(data[index:index + 1])
        received(sock, index + 1)
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    told.until("end")
    assert got.joined == text and all(isinstance(chunk, str) and chunk for chunk in got.chunks)


def test_an_unknown_encoding_is_refused_and_changes_nothing(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    with pytest.raises(TypeError) as caught:
        sock.set_encoding("nonsense")
    assert caught.value.code == "ERR_UNKNOWN_ENCODING"      # type: ignore[attr-defined]
    peer.socket.sendall(b"raw")
    assert sock.recv(3, WAIT) == b"raw"


def test_recv_gives_bytes_whatever_the_encoding(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    sock.set_encoding("utf8")
    data = "añ€".encode()
    peer.socket.sendall(data[:-1])      # the last character is torn
    received(sock, len(data) - 1)
    peer.socket.sendall(data[-1:])
    assert b"".join(sock.recv(1, WAIT) for _ in data) == data


# ---- read and 'readable' ----

def test_read_takes_what_is_there_and_never_waits(pair: Any) -> None:
    sock, peer = pair
    assert sock.read() is None
    peer.socket.sendall(b"abcdef")
    received(sock, 6)
    assert sock.read(2) == b"ab" and sock.read(10) is None and sock.read() == b"cdef"


@pytest.mark.parametrize("size", [-1, 1.5, "1", True, 1 << 31])
def test_read_refuses_what_is_no_size(tcp_pair: Any, size: Any) -> None:
    sock, _ = tcp_pair
    with pytest.raises((TypeError, ValueError)):
        sock.read(size)


def test_readable_tells_of_input_and_of_the_end(pair: Any) -> None:
    sock, peer = pair
    told = Told()

    def take() -> None:
        chunk = sock.read()
        while chunk is not None:
            told.add(chunk)
            chunk = sock.read()
    sock.on("readable", take)
    sock.on("end", lambda: told.add("end"))
    peer.socket.sendall(b"one")
    told.until(b"one")
    peer.socket.sendall(b"two")
    told.until(b"one", b"two")
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    told.until(b"one", b"two", "end")


# ---- backpressure ----

@pytest.mark.parametrize("mark", [0, 1000, 65536])
def test_what_waits_for_listeners_stops_at_the_high_water_mark(mark: int) -> None:
    for sock, peer in connected("tcp", "", high_water_mark=mark):
        sock.pause()
        total = flood(peer)
        assert 0 < sock.readable_length <= mark + 65536
        assert sock.bytes_read == sock.readable_length < total
        data = Collector()
        sock.on("data", data)
        sock.resume()
        received(sock, total)


def test_a_slow_listener_leaves_the_bytes_in_the_kernel(pair: Any) -> None:
    sock, peer = pair
    begun, go_on = threading.Event(), threading.Event()

    def listener(chunk: bytes) -> None:
        begun.set()
        go_on.wait(WAIT)
    sock.on("data", listener)
    peer.socket.sendall(b"x")
    assert begun.wait(WAIT)
    total = 1 + flood(peer)
    assert sock.bytes_read == 1 and total > 60000
    go_on.set()
    received(sock, total)


def test_a_high_water_mark_of_zero_loses_nothing(ipc_path: str) -> None:
    for sock, peer in connected("tcp", "", high_water_mark=0):
        told, digest = Told().listen(sock, "end"), hashlib.sha256()
        sock.on("data", digest.update)
        sender = InThread(peer.socket.sendall, BIG)
        sender.result()
        peer.socket.shutdown(stdlib_socket.SHUT_WR)
        told.until("end")
        assert digest.digest() == hashlib.sha256(BIG).digest()


# ---- onread ----

def with_onread(buffer: Any, callback: Any, **options: Any) -> Iterator[Any]:
    return connected("tcp", "", onread=netcompat.OnRead(buffer, callback), **options)


def test_onread_receives_into_the_same_buffer_each_time() -> None:
    buffer, told = bytearray(4), Told()

    def callback(count: int, given: Any) -> None:
        assert given is buffer
        told.add(bytes(given[:count]))
    for sock, peer in with_onread(buffer, callback):
        sock.on("data", lambda chunk: told.add("data"))
        peer.socket.sendall(b"abcdefghij")
        told.until(b"abcd", b"efgh", b"ij")
        assert sock.bytes_read == 10 and sock.readable_length == 0
        peer.socket.shutdown(stdlib_socket.SHUT_WR)
        sock.wait_for("end", WAIT)


def test_onread_may_have_a_new_buffer_for_each_receive() -> None:
    made: List[bytearray] = []
    told = Told()

    def buffer() -> bytearray:
        made.append(bytearray(3))
        return made[-1]
    for sock, peer in with_onread(buffer, lambda count, given: told.add((given is made[-1], bytes(given[:count])))):
        peer.socket.sendall(b"abcde")
        told.until((True, b"abc"), (True, b"de"))


def test_onread_pauses_when_its_callback_returns_false() -> None:
    told = Told()

    def callback(count: int, given: Any) -> bool:
        told.add(bytes(given[:count]))
        return False
    for sock, peer in with_onread(bytearray(2), callback):
        peer.socket.sendall(b"abcd")
        told.until(b"ab")
        assert sock.is_paused() or eventually(sock.is_paused)
        assert sock.bytes_read == 2
        sock.resume()
        told.until(b"ab", b"cd")


def test_onread_with_an_empty_buffer_is_an_error_and_no_end() -> None:
    told = Told()
    for sock, peer in with_onread(lambda: bytearray(), lambda count, given: None):
        told.listen(sock, "end", "error", "close")
        peer.socket.sendall(b"x")
        told.until(("error", "ERR_INVALID_ARG_VALUE"), "close")


def test_an_onread_callback_that_raises_destroys_the_socket(reported: Any) -> None:
    class Mine(Exception):
        pass

    def callback(count: int, given: Any) -> None:
        raise Mine("mine")
    for sock, peer in with_onread(bytearray(2), callback):
        told = Told().listen(sock, "error", "close")
        peer.socket.sendall(b"x")
        told.until(("error", repr(Mine("mine"))), "close")
    reported.take(Mine)


def test_onread_runs_where_the_listeners_run() -> None:
    queue, here = netcompat.EventQueue(), threading.get_ident()
    threads: List[int] = []
    done = threading.Event()

    def buffer() -> bytearray:
        threads.append(threading.get_ident())
        return bytearray(2)

    def callback(count: int, given: Any) -> None:
        threads.append(threading.get_ident())
        if sock.bytes_read == 4:
            done.set()
    with listening() as listener:
        sock = netcompat.connect(listener.getsockname()[1], "127.0.0.1", onread=netcompat.OnRead(buffer, callback),
                                 dispatch=queue.put)
        with listener.accept()[0] as theirs:
            theirs.sendall(b"abcd")
            queue.run_until(done.is_set, WAIT)
            assert set(threads) == {here} and len(threads) >= 4
            sock.destroy()
            queue.run_until(lambda: not sock._living, WAIT)


def test_input_for_a_thread_that_does_not_come_is_reported_once() -> None:
    """With `onread` and a dispatch: the reactor must not spin, and nothing may pile up."""
    waiting: List[Any] = []
    with listening() as listener:
        sock = netcompat.connect(listener.getsockname()[1], "127.0.0.1", dispatch=waiting.append,
                                 onread=netcompat.OnRead(bytearray(2), lambda count, given: None))
        with listener.accept()[0] as theirs:
            theirs.sendall(b"abcd")
            eventually(lambda: sock._flow_posted)
            wakeups, items = netcompat.stats()["reactor_wakeups"], sock._queued_items()
            time.sleep(0.1)             # the time in which it would spin
            assert netcompat.stats()["reactor_wakeups"] - wakeups < 10
            assert sock._queued_items() == items
            sock.destroy()
            while sock._living:
                eventually(lambda: waiting)
                waiting.pop(0)()


def test_recv_is_refused_beside_onread_and_data() -> None:
    for sock, _ in with_onread(bytearray(2), lambda count, given: None):
        with pytest.raises(RuntimeError):
            sock.recv(1, 0)
    for sock, _ in connected("tcp", ""):
        sock.on("data", print)
        with pytest.raises(RuntimeError):
            sock.recv(1, 0)
        with pytest.raises(RuntimeError):
            next(iter(sock))


@pytest.mark.parametrize("onread", [5, (bytearray(1), print), netcompat.OnRead(b"readonly", print),
                                    netcompat.OnRead(bytearray(1), 5)])
def test_an_onread_that_cannot_work_is_refused(onread: Any) -> None:
    with pytest.raises(TypeError):
        netcompat.Socket(onread=onread)


# ---- pipe ----

def test_an_echo_is_a_pipe_to_itself(pair: Any) -> None:
    sock, peer = pair
    assert sock.pipe(sock) is sock
    sender = InThread(peer.socket.sendall, BIG)
    assert peer.read(len(BIG)) == BIG
    sender.result()
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    assert peer.read_all() == b""
    sock.wait_for("close", WAIT)


def test_a_pipe_goes_no_faster_than_its_destination(ipc_path: str) -> None:
    for source, source_peer in connected("tcp", ""):
        for sink, sink_peer in connected("tcp", ""):
            source.pipe(sink)
            total = flood(source_peer)
            assert sink.writable_length < 1 << 20 and source.is_paused()
            source_peer.socket.shutdown(stdlib_socket.SHUT_WR)
            assert len(sink_peer.read_all()) == total


def test_a_pipe_to_a_file_writes_and_closes_it(tmp_path: Any, pair: Any) -> None:
    sock, peer = pair
    for buffering in (-1, 0):
        file = open(tmp_path / str(buffering), "wb", buffering)
        if buffering:
            sock.pipe(file, end=False)
        else:
            sock.pipe(file)
        peer.socket.sendall(b"to the file")
        received(sock, 11)
        if buffering:
            eventually(lambda: file.tell() == 11)
            sock.unpipe(file)
            assert not file.closed
            file.close()
            peer.socket.sendall(b"")
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    eventually(lambda: file.closed)
    assert (tmp_path / "-1").read_bytes() == b"to the file"


def test_several_pipes_get_everything(pair: Any) -> None:
    sock, peer = pair

    class Sink:
        def __init__(self) -> None:
            self.data, self.ended = b"", threading.Event()

        def write(self, chunk: bytes) -> None:
            self.data += chunk

        def end(self) -> None:
            self.ended.set()
    sinks = [Sink(), Sink()]
    for sink in sinks:
        sock.pipe(sink)
    peer.socket.sendall(b"for both")
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    for sink in sinks:
        assert sink.ended.wait(WAIT)
        assert sink.data == b"for both"


def test_end_false_leaves_the_destination_open(tcp_pair: Any) -> None:
    source, source_peer = tcp_pair
    for sink, sink_peer in connected("tcp", ""):
        told = Told().listen(sink, "unpipe")
        source.pipe(sink, end=False)
        source_peer.socket.sendall(b"piped, ")
        source_peer.socket.shutdown(stdlib_socket.SHUT_WR)
        told.until("unpipe")
        sink.end(b"then written")
        assert sink_peer.read_all() == b"piped, then written"


def test_unpipe_stops_and_pauses(tcp_pair: Any) -> None:
    source, source_peer = tcp_pair
    for sink, sink_peer in connected("tcp", ""):
        source.pipe(sink)
        source_peer.socket.sendall(b"before")
        assert sink_peer.read(6) == b"before"
        assert source.unpipe(sink) is source
        assert source.is_paused()
        source_peer.socket.sendall(b"after")
        assert eventually(lambda: source.read(5), WAIT) == b"after"
        sink.end()
        assert sink_peer.read_all() == b""


def test_what_cannot_be_written_to_is_no_destination(tcp_pair: Any) -> None:
    with pytest.raises(TypeError):
        tcp_pair[0].pipe(5)


# ---- half-open ----

def test_a_socket_that_is_not_half_open_ends_itself(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "end", "finish", "close")
    sock.resume()
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    assert peer.read_all() == b""
    told.until("end", "finish", "close")


def test_a_half_open_socket_stays_open_until_it_is_ended(ipc_path: str) -> None:
    for sock, peer in connected("tcp", "", allow_half_open=True):
        told = Told().listen(sock, "end", "close")
        sock.resume()
        peer.socket.shutdown(stdlib_socket.SHUT_WR)
        told.until("end")
        assert sock.readable_ended and not sock.readable and sock.writable and not sock.destroyed
        sock.end(b"goodbye")
        assert peer.read_all() == b"goodbye"
        told.until("end", "close")


# ---- recv, iteration ----

def test_recv_waits_for_input(pair: Any) -> None:
    sock, peer = pair
    reader = InThread(sock.recv, 100)
    eventually(lambda: sock._readers)
    peer.socket.sendall(b"here")
    assert reader.result() == b"here"


def test_recv_takes_no_more_than_it_is_asked_for(pair: Any) -> None:
    sock, peer = pair
    peer.socket.sendall(b"abcdef")
    assert b"".join(sock.recv(1, WAIT) for _ in range(6)) == b"abcdef"


def test_recv_gives_what_was_buffered_first(pair: Any) -> None:
    sock, peer = pair
    peer.socket.sendall(b"first")
    received(sock, 5)
    peer.socket.sendall(b" second")
    data = b""
    while len(data) < 12:
        data += sock.recv(100, WAIT)
    assert data == b"first second"


def test_recv_is_empty_at_the_end_and_stays_so(pair: Any) -> None:
    sock, peer = pair
    peer.socket.sendall(b"last")
    peer.socket.close()
    assert sock.recv(100, WAIT) == b"last"
    assert [sock.recv(100, WAIT) for _ in range(3)] == [b"", b"", b""]


def test_recv_times_out_and_loses_nothing(pair: Any) -> None:
    sock, peer = pair
    with pytest.raises(TimeoutError):
        sock.recv(10, 0.02)
    peer.socket.sendall(b"late")
    assert sock.recv(10, WAIT) == b"late"


@on_wine("takes a reset for an end")
def test_recv_raises_what_ended_the_connection(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    reader = InThread(sock.recv, 10)
    eventually(lambda: sock._readers)
    reset(peer.socket)
    with pytest.raises(ConnectionResetError) as caught:
        reader.result()
    assert caught.value.code == "ECONNRESET"                # type: ignore[attr-defined]


def test_recv_ends_when_the_socket_is_destroyed(pair: Any) -> None:
    sock, _ = pair
    reader = InThread(sock.recv, 10)
    eventually(lambda: sock._readers)
    sock.destroy()
    with pytest.raises(OSError) as caught:
        reader.result()
    assert caught.value.code == "ERR_SOCKET_CLOSED"         # type: ignore[attr-defined]


def test_recv_of_a_socket_that_was_never_connected_raises() -> None:
    with pytest.raises(OSError) as caught:
        netcompat.Socket().recv(1, WAIT)
    assert caught.value.code == "ERR_SOCKET_CLOSED"         # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [0, -1, 1.5, None, True])
def test_recv_refuses_what_is_no_size(tcp_pair: Any, size: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tcp_pair[0].recv(size)


def test_every_byte_goes_to_one_of_several_readers(pair: Any) -> None:
    sock, peer = pair
    readers = [InThread(lambda: b"".join(iter(lambda: sock.recv(1000), b""))) for _ in range(3)]
    data = os.urandom(1 << 20)
    peer.socket.sendall(data)
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    parts = [reader.result() for reader in readers]
    assert sum(map(len, parts)) == len(data)
    assert sum(sum(part) for part in parts) == sum(data)


@pytest.mark.parametrize("half_open", [False, True])
@pytest.mark.parametrize("kind", ["tcp", IPC])
def test_each_of_several_readers_is_told_of_the_end(kind: str, half_open: bool, ipc_path: str) -> None:
    """Those that come last find the socket closed already, or the end taken: to them it is the end as well."""
    for number in range(20):
        for sock, peer in connected(kind, ipc_path + str(number), allow_half_open=half_open):
            readers = [InThread(sock.recv, 1) for _ in range(8)]
            eventually(lambda: len(sock._readers or ()) == 8)
            peer.socket.shutdown(stdlib_socket.SHUT_WR)
            assert [reader.result() for reader in readers] == [b""] * 8


def test_the_idle_timeout_ends_a_recv(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "timeout")
    sock.set_timeout(30)
    with pytest.raises(TimeoutError):
        sock.recv(1)
    told.until("timeout")
    assert not sock.destroyed


def test_a_recv_begun_after_the_idle_timeout_has_a_period_of_its_own(pair: Any) -> None:
    sock, _ = pair
    told = Told().listen(sock, "timeout")
    sock.set_timeout(30)
    told.until("timeout")
    with pytest.raises(TimeoutError):
        sock.recv(1, WAIT)
    assert told.all == ["timeout"]      # once for each idle period


def test_iteration_gives_the_chunks_until_the_end(pair: Any) -> None:
    sock, peer = pair
    sender = InThread(lambda: (peer.socket.sendall(BIG), peer.socket.shutdown(stdlib_socket.SHUT_WR)))
    assert b"".join(sock) == BIG
    sender.result()


def test_straight_line_code_in_a_connection_listener() -> None:
    def serve(sock: netcompat.Socket) -> None:
        with sock:
            for chunk in sock:
                sock.sendall(chunk.upper())
    server = netcompat.create_server(serve).listen(0, "127.0.0.1")
    with stdlib_socket.create_connection(("127.0.0.1", server.address().port), WAIT) as client:
        for word in (b"one", b"two"):
            client.sendall(word)
            assert client.recv(10) == word.upper()
        client.shutdown(stdlib_socket.SHUT_WR)
        assert client.recv(10) == b""
    server.close()
    server.wait_for("close", WAIT)


# ---- makefile ----

def test_makefile_reads_lines(pair: Any) -> None:
    sock, peer = pair
    peer.socket.sendall("é\nsecond\nrest".encode())
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    with sock.makefile("r", encoding="utf-8") as file:
        assert file.readline() == "é\n"
        assert list(file) == ["second\n", "rest"]
    assert not sock.destroyed or sock.writable_finished


def test_makefile_carries_pickles_both_ways(pair: Any) -> None:
    sock, peer = pair
    thing = {"list": [1, 2.5, None], "big": BIG}
    theirs = peer.socket.makefile("rwb")
    file = sock.makefile("rwb")

    def answer() -> None:
        pickle.dump(pickle.load(theirs), theirs)
        theirs.flush()
    peer.socket.settimeout(None)
    answering = InThread(answer)
    pickle.dump(thing, file)
    file.flush()
    assert pickle.load(file) == thing
    answering.result()
    file.close()
    theirs.close()
    assert not sock.destroyed


def test_an_unbuffered_file_reads_what_is_there(pair: Any) -> None:
    sock, peer = pair
    file = sock.makefile("rb", 0)
    peer.socket.sendall(b"some")
    buffer = bytearray(100)
    assert file.readinto(buffer) == 4 and bytes(buffer[:4]) == b"some"
    assert file.readinto(bytearray()) == 0
    file.close()
    with pytest.raises(ValueError):
        file.readinto(buffer)


@pytest.mark.parametrize("mode, buffering", [("x", -1), ("", -1), ("r", 0), ("rb", True), ("rb", "1")])
def test_makefile_refuses_what_it_cannot_make(tcp_pair: Any, mode: str, buffering: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        tcp_pair[0].makefile(mode, buffering)


def test_a_file_does_only_what_it_was_made_for(tcp_pair: Any) -> None:
    sock, _ = tcp_pair
    reading, writing = sock.makefile("rb", 0), sock.makefile("wb", 0)
    assert (reading.readable(), reading.writable()) == (True, False)
    assert (writing.readable(), writing.writable()) == (False, True)
    with pytest.raises(io.UnsupportedOperation):
        reading.write(b"x")
    with pytest.raises(io.UnsupportedOperation):
        writing.readinto(bytearray(1))


# ---- with ----

def test_with_ends_and_lets_the_peer_read_everything(pair: Any) -> None:
    sock, peer = pair
    peer.socket.sendall(b"never read")
    reader = InThread(peer.read_all)
    closer = threading.Thread(target=lambda: (reader._thread.join(WAIT), peer.socket.close()))
    closer.start()
    with sock as same:
        assert same is sock
        sock.write(BIG)
    assert sock.destroyed
    assert reader.result() == BIG
    closer.join(WAIT)


def test_with_destroys_at_once_when_the_block_raises(pair: Any) -> None:
    sock, _ = pair
    with pytest.raises(ZeroDivisionError):
        with sock:
            1 / 0
    assert sock.destroyed


def test_with_does_not_wait_for_a_peer_that_stays(pair: Any) -> None:
    sock, peer = pair
    needs_half_close(peer)
    began = time.monotonic()
    with sock:
        sock.write(b"x")
    assert 1.5 < time.monotonic() - began < 5
    assert peer.read_all() == b"x"


# ---- the stdlib's view ----

class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *_: Any) -> None:
        pass


def test_http_client_talks_over_the_view() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), Hello)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        sock = netcompat.connect(server.server_port, "127.0.0.1")
        client = http.client.HTTPConnection("127.0.0.1", server.server_port)
        client.sock = view = sock.as_stdlib()
        view.settimeout(WAIT)
        client.request("POST", "/", BIG)
        assert client.getresponse().read() == BIG[::-1]
        client.request("POST", "/last", b"again")
        response = client.getresponse()         # closes the view; the response's file still reads
        assert not sock.destroyed
        assert response.read() == b"niaga"
        sock.wait_for("close", WAIT)
    finally:
        server.shutdown()
        thread.join(WAIT)
        server.server_close()


def test_the_view_has_the_methods_of_a_socket(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    view = sock.as_stdlib()
    assert view.getpeername() == peer.socket.getsockname() and view.getsockname() == peer.socket.getpeername()
    assert view.family == stdlib_socket.AF_INET and view.type == stdlib_socket.SOCK_STREAM
    assert view.fileno() == sock.fileno() >= 0
    assert view.send(b"abc") == 3
    view.sendall(b"def")
    assert peer.read(6) == b"abcdef"
    peer.socket.sendall(b"answer")
    buffer = bytearray(4)
    assert view.recv_into(buffer) == 4 and buffer == b"answ"
    assert view.recv_into(buffer, 1) == 1 and buffer == b"ensw"
    assert view.recv(10) == b"r"
    assert view.recv(0) == b"" and view.recv_into(bytearray()) == 0
    view.shutdown(stdlib_socket.SHUT_WR)
    assert peer.read_all() == b""
    with pytest.raises(ValueError):
        view.recv(1, stdlib_socket.MSG_PEEK)


def test_the_views_timeout_holds_for_its_files_too(tcp_pair: Any) -> None:
    sock, _ = tcp_pair
    view = sock.as_stdlib()
    file = view.makefile("rb")
    view.settimeout(0.02)
    assert view.gettimeout() == 0.02
    with pytest.raises(TimeoutError):
        view.recv(1)
    with pytest.raises(TimeoutError):
        file.read(1)


def test_the_view_makes_files_for_both_directions(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    with sock.as_stdlib() as view:
        file = view.makefile("rw", encoding="utf-8", newline="\n")
    file.write("question\n")
    file.flush()
    assert peer.read(9) == b"question\n"
    peer.socket.sendall(b"answer\n")
    assert file.readline() == "answer\n"
    assert not sock.destroyed           # the view is closed, its file is not
    file.close()
    assert peer.read_all() == b""
    sock.wait_for("close", WAIT)


def test_the_view_sends_a_file(tcp_pair: Any, tmp_path: Any) -> None:
    sock, peer = tcp_pair
    (tmp_path / "file").write_bytes(BIG[:200000])
    with open(tmp_path / "file", "rb") as file:
        reader = InThread(peer.read, 199000)
        assert sock.as_stdlib().sendfile(file, 1000) == 199000
        assert reader.result() == BIG[1000:200000]


# ---- detach ----

def test_detach_gives_the_stdlib_socket_back(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    sock.write(b"before ")
    plain = sock.detach()
    with plain:
        plain.sendall(b"after")
        assert peer.read(12) == b"before after"
    assert sock.destroyed
    sock.wait_for("close", WAIT)


def test_detach_is_refused_while_bytes_wait(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    peer.socket.sendall(b"unread")
    received(sock, 6)
    with pytest.raises(RuntimeError):
        sock.detach()
    assert sock.recv(10, WAIT) == b"unread"


# ---- a selector that says a thing once ----

def test_what_was_said_once_is_received_although_somebody_paused_and_resumed_meanwhile(
        tcp_pair: Any, monkeypatch: Any) -> None:
    """Paused, so that bytes stay in the kernel; and resumed before the reactor came to change what is watched."""
    if not reactor.has_edges:
        pytest.skip("this selector says a thing for as long as it is so")
    sock, peer = tcp_pair
    go, asked, heard = threading.Event(), [], []        # type: threading.Event, List[Any], List[bytes]
    call_soon = reactor.call_soon

    def held_back(call: Any, *args: Any) -> None:
        if sock._sync in args and go.is_set():
            asked.append((call, args))
        else:
            call_soon(call, *args)
    monkeypatch.setattr(reactor, "call_soon", held_back)

    def listener(chunk: bytes) -> None:
        heard.append(chunk)
        if len(heard) == 1:
            assert go.wait(WAIT)
            sock.pause()
    sock.on("data", listener)
    data = BIG[:1 << 18]
    peer.socket.sendall(data[:1])
    eventually(lambda: heard)
    sending = InThread(peer.socket.sendall, data[1:])
    eventually(lambda: sock._interest & EDGE)       # its strand is busy, and there is input
    sending.result()
    go.set()
    eventually(lambda: sock.readable_length and asked)
    sock.resume()
    eventually(lambda: not sock.readable_length and not sock._intake.busy())
    for call, args in asked:
        call_soon(call, *args)
    eventually(lambda: b"".join(heard) == data, WAIT)
