"""Writing, on real connections over loopback and over Unix paths."""
import array
import hashlib
import os
import socket as stdlib_socket
import sys
import threading
from typing import Any, Iterator, Optional, Tuple

import pytest

import netcompat
from conftest import eventually
from connections import (BIG, IPC, WAIT, Held, InThread, Peer, Told, connected, listening,
                         needs_half_close, on_wine, reset)


@pytest.fixture(params=["tcp", IPC])
def pair(request: Any, ipc_path: str) -> Iterator[Tuple[netcompat.Socket, Peer]]:
    """A connected `Socket` and its peer, over TCP and over an IPC path."""
    yield from connected(request.param, ipc_path)


@pytest.fixture
def tcp_pair() -> Iterator[Tuple[netcompat.Socket, Peer]]:
    yield from connected("tcp", "")


def fill(sock: netcompat.Socket) -> int:
    """Writes more than the kernel will ever take while the peer does not read; how many bytes were written."""
    total = 0
    while sock.writable_length < 16 << 20:
        total += len(BIG)
        sock.write(BIG)
    return total


@pytest.fixture
def held() -> Iterator[Held]:
    """A connection in the making, which is not made before `go`."""
    with listening() as listener:
        made = Held(listener)
        yield made
        made.go.set()
        made.socket.destroy()


# ---- what write answers, and what follows ----

def test_write_is_true_when_all_of_it_is_in_the_kernel(pair: Any) -> None:
    sock, peer = pair
    assert sock.write(b"hello") is True
    assert sock.writable_length == 0 and sock.writable_need_drain is False
    assert peer.read(5) == b"hello"


def test_write_is_false_when_some_of_it_is_queued(pair: Any) -> None:
    sock, peer = pair
    assert sock.write(BIG) is False
    assert 0 < sock.writable_length <= len(BIG) and sock.writable_need_drain is True
    assert sock.bytes_written == len(BIG)
    assert peer.read(len(BIG)) == BIG
    sock.wait_for("drain", WAIT)
    assert sock.writable_length == 0 and sock.writable_need_drain is False


def test_callbacks_come_in_the_order_of_the_writes(pair: Any) -> None:
    sock, peer = pair
    told = Told()
    for number in range(5):
        sock.write(BIG[:200000], told.callback(str(number)))
    peer.read(5 * 200000)
    told.until("0", "1", "2", "3", "4")


def test_a_callback_may_stand_in_the_place_of_the_encoding_or_have_its_name(pair: Any) -> None:
    sock, peer = pair
    told = Told()
    sock.write(b"a", told.callback("place"))
    sock.write("b", "latin1", told.callback("third"))
    sock.write(b"c", callback=told.callback("named"))
    told.until("place", "third", "named")
    assert peer.read(3) == b"abc"


def test_no_callback_comes_before_its_bytes_are_in_the_kernel(pair: Any) -> None:
    sock, peer = pair
    told = Told()
    size = fill(sock)
    sock.write(b"last", told.callback("last"))
    sock.wait_for("connect")        # anything that goes through the gate
    assert told.all == [] and sock.writable_length > 0
    assert peer.read(size + 4)[-4:] == b"last"
    told.until("last")


def test_drain_reaches_who_listens_before_and_who_listens_after(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "drain")
    size = fill(sock)
    peer.read(size)
    told.until("drain")
    late = Told().listen(sock, "drain")
    late.until("drain")
    assert told.all == ["drain"]


def test_a_write_ends_the_state_that_a_late_drain_listener_would_hear_of(pair: Any) -> None:
    sock, peer = pair
    early = Told().listen(sock, "drain")
    peer.read(fill(sock))
    early.until("drain")
    assert sock.write(b"x") is True
    told = Told().listen(sock, "drain")
    sock.write(b"y", told.callback("callback"))
    told.until("callback")


def test_wait_for_drain_returns_at_once_when_nothing_waits(pair: Any) -> None:
    sock, _ = pair
    assert sock.wait_for("drain", 0) == ()


def test_there_is_no_drain_after_end(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "drain", "finish")
    size = fill(sock)
    sock.end(told.callback("end"))
    peer.read(size)
    told.until("end", "finish")


def test_an_empty_write_is_accepted_and_has_its_callback(pair: Any) -> None:
    sock, peer = pair
    told = Told()
    assert sock.write(b"", told.callback("first")) is True
    assert sock.write("", told.callback("second")) is True
    size = fill(sock)
    assert sock.write(b"", told.callback("third")) is False
    peer.read(size)
    told.until("first", "second", "third")
    assert sock.bytes_written == size


def test_writes_of_many_threads_never_tear_a_chunk(pair: Any, fast_switching: None) -> None:
    sock, peer = pair
    count, size = 60, 3000

    def write(letter: bytes) -> None:
        for number in range(count):
            sock.write(b"%c%05d" % (letter, number) + letter * size)
    threads = [threading.Thread(target=write, args=(bytes([65 + index]),)) for index in range(4)]
    for thread in threads:
        thread.start()
    data = peer.read(4 * count * (size + 6))
    for thread in threads:
        thread.join(WAIT)
    following = dict.fromkeys(b"ABCD", 0)
    for start in range(0, len(data), size + 6):
        chunk = data[start:start + size + 6]
        letter = chunk[0]
        assert chunk[1:6] == b"%05d" % following[letter] and set(chunk[6:]) == {letter}
        following[letter] += 1
    assert set(following.values()) == {count}


# ---- what can be written ----

@pytest.mark.parametrize("text, encoding, expected", [
    ("añ", None, "añ".encode()), ("añ", "latin1", b"a\xf1"), ("añ", "utf16le", "añ".encode("utf-16-le")),
    ("00ff7", "HEX", b"\x00\xff"), ("AQI=", "base64", b"\1\2"), ("_-8", "base64url", b"\xff\xef"),
    ("é", "cp437", b"\x82")])
def test_text_is_written_in_its_encoding(tcp_pair: Any, text: str, encoding: Optional[str], expected: bytes) -> None:
    sock, peer = tcp_pair
    if encoding is None:
        sock.write(text)
    else:
        sock.write(text, encoding)
    assert sock.bytes_written == len(expected)
    sock.end()
    assert peer.read_all() == expected


def test_an_unknown_encoding_is_an_argument_error(tcp_pair: Any) -> None:
    sock, _ = tcp_pair
    with pytest.raises(TypeError) as caught:
        sock.write("x", "nonsense")
    assert caught.value.code == "ERR_UNKNOWN_ENCODING"      # type: ignore[attr-defined]
    assert sock.bytes_written == 0 and not sock.destroyed


@pytest.mark.parametrize("data, expected", [
    (bytearray(b"abc"), b"abc"), (memoryview(b"abcdef")[::2], b"ace"), (array.array("H", [1, 2]), b"\1\0\2\0"),
    (memoryview(array.array("I", [7])), b"\7\0\0\0"), (memoryview(bytearray(6)).cast("B", (2, 3)), bytes(6)),
    (memoryview(array.array("I")), b"")])
@pytest.mark.skipif(sys.byteorder != "little", reason="the expected bytes are little-endian")
def test_everything_with_the_buffer_protocol_is_written_as_bytes(tcp_pair: Any, data: Any, expected: bytes) -> None:
    sock, peer = tcp_pair
    assert sock.write(data) is True
    assert sock.bytes_written == len(expected)
    sock.end()
    assert peer.read_all() == expected


def test_a_foreign_format_is_written_as_the_bytes_it_has(tcp_pair: Any) -> None:
    import ctypes
    sock, peer = tcp_pair
    sock.write((ctypes.c_uint16.__ctype_be__ * 2)(1, 2))
    sock.end()
    assert peer.read_all() == b"\0\1\0\2"


@pytest.mark.parametrize("data, code", [(None, "ERR_STREAM_NULL_VALUES"), (5, "ERR_INVALID_ARG_TYPE"),
                                        (["x"], "ERR_INVALID_ARG_TYPE")])
def test_what_is_no_data_is_refused_at_once(tcp_pair: Any, data: Any, code: str) -> None:
    sock, _ = tcp_pair
    with pytest.raises(TypeError) as caught:
        sock.write(data)
    assert caught.value.code == code                        # type: ignore[attr-defined]


def test_a_callback_that_cannot_be_called_is_refused(tcp_pair: Any) -> None:
    sock, _ = tcp_pair
    for call in (lambda: sock.write(b"x", "utf-8", 5), lambda: sock.end(b"x", "utf-8", 5)):
        with pytest.raises(TypeError):
            call()
    assert sock.bytes_written == 0


def test_a_buffer_may_be_reused_as_soon_as_write_returns(pair: Any) -> None:
    sock, peer = pair
    buffer = bytearray(b"a" * len(BIG))
    assert sock.write(buffer) is False
    buffer[:] = b"b" * len(buffer)
    assert sock.write(buffer) is False
    buffer.clear()                      # not even exported any more
    data = peer.read(2 * len(BIG))
    assert data == b"a" * len(BIG) + b"b" * len(BIG)


# ---- when it can be written ----

def test_a_write_while_connecting_is_queued_and_sent(held: Held) -> None:
    sock = held.connect()
    told = Told().listen(sock, "connect", "drain")
    assert sock.write(b"early", told.callback("callback")) is False
    assert sock.bytes_written == sock.writable_length == 5
    with held.accept().socket as theirs:
        assert Peer(theirs).read(5) == b"early"
        told.until("connect", "drain", "callback")
        sock.destroy()


def test_a_write_that_waits_for_a_connection_that_fails_fails(held: Held) -> None:
    sock = held.connect()
    told = Told()
    sock.write(b"x", told.callback("write"))
    sock.end(told.callback("end"))
    told.listen(sock, "error", "close")
    held.listener.close()
    held.go.set()
    told.until(("write", "ERR_SOCKET_CLOSED_BEFORE_CONNECTION"), ("end", "ECONNREFUSED"), ("error", "ECONNREFUSED"),
               "close")
    assert sock.writable_length == 0


def test_destroy_while_connecting_fails_what_is_queued(held: Held) -> None:
    sock = held.connect()
    told = Told()
    sock.write(b"x", told.callback("write"))
    sock.end(told.callback("end"))
    sock.destroy()
    told.listen(sock, "close")
    told.until(("write", "ERR_SOCKET_CLOSED_BEFORE_CONNECTION"), ("end", "ERR_SOCKET_CLOSED_BEFORE_CONNECTION"),
               "close")


def test_destroy_while_connecting_fails_an_end_without_data(held: Held) -> None:
    sock = held.connect()
    told = Told()
    sock.end(told.callback("end"))
    sock.destroy()
    told.listen(sock, "close")
    told.until(("end", "ERR_STREAM_DESTROYED"), "close")


def test_a_write_on_a_socket_that_was_never_connected_fails_and_closes_it() -> None:
    sock = netcompat.Socket()
    told = Told().listen(sock, "error", "close")
    assert sock.write(b"x", told.callback("write")) is False
    told.until(("write", "ERR_SOCKET_CLOSED"), ("error", "ERR_SOCKET_CLOSED"), "close")
    assert sock.destroyed


def test_a_write_after_end_fails_and_destroys(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "error", "close")
    fill(sock)
    sock.end()
    assert sock.write(b"x", told.callback("write")) is False
    told.until(("write", "ERR_STREAM_WRITE_AFTER_END"), ("error", "ERR_STREAM_WRITE_AFTER_END"), "close")


def test_a_write_after_destroy_fails_in_its_callback_only(pair: Any) -> None:
    sock, _ = pair
    told = Told().listen(sock, "error", "close")
    sock.destroy()
    assert sock.write(b"x", told.callback("write")) is False
    told.until_both(("write", "ERR_STREAM_DESTROYED"), "close")     # a call made later may be told later


def test_a_write_after_the_peers_fin_is_epipe(pair: Any) -> None:
    sock, peer = pair
    needs_half_close(peer)
    told = Told().listen(sock, "error", "close")
    fill(sock)                          # so that it is not over yet when the peer has finished
    sock.resume()
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    sock.wait_for("end", WAIT)
    eventually(lambda: not sock.writable)
    assert sock.write(b"x", told.callback("write")) is False
    told.until(("write", "EPIPE"), ("error", "EPIPE"), "close")


def test_end_listeners_may_still_write(pair: Any) -> None:
    sock, peer = pair
    needs_half_close(peer)
    sock.resume()
    sock.on("end", lambda: sock.write(b"goodbye"))
    peer.socket.shutdown(stdlib_socket.SHUT_WR)
    assert peer.read_all() == b"goodbye"


def test_a_half_open_socket_writes_on_after_the_peers_fin(ipc_path: str) -> None:
    for sock, peer in connected("tcp", "", allow_half_open=True):
        sock.resume()
        peer.socket.shutdown(stdlib_socket.SHUT_WR)
        sock.wait_for("end", WAIT)
        assert sock.ready_state == "writeOnly"
        assert sock.write(b"still") is True
        sock.end(b" here")
        assert peer.read_all() == b"still here"
        sock.wait_for("close", WAIT)


def test_what_is_queued_fails_with_the_error_of_destroy(pair: Any) -> None:
    sock, _ = pair
    told = Told()
    fill(sock)
    sock.write(b"x", told.callback("write"))
    sock.on("error", lambda problem: told.add(problem))
    mine = ValueError("mine")
    sock.destroy(mine)
    told.listen(sock, "close")
    told.until(("write", repr(mine)), mine, "close")


def test_what_is_queued_fails_when_it_is_destroyed(pair: Any) -> None:
    sock, _ = pair
    told = Told()
    fill(sock)
    sock.write(b"x", told.callback("write"))
    sock.end(told.callback("end"))
    sock.destroy()
    told.listen(sock, "close")
    told.until(("write", "ERR_STREAM_DESTROYED"), ("end", "ERR_STREAM_DESTROYED"), "close")


def test_a_connection_that_the_peer_resets_fails_what_is_queued(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    told = Told().listen(sock, "error", "close")
    fill(sock)
    sock.write(b"x", told.callback("write"))
    reset(peer.socket)
    assert told.until(("write", "ECONNRESET"), ("error", "ECONNRESET"), "close")


# ---- corks ----

class Counting:
    """Stands around a transport, and counts the sends."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self.sends = 0

    def send(self, data: Any) -> int:
        self.sends += 1
        return int(self._transport.send(data))

    def send_many(self, chunks: Any) -> int:
        self.sends += 1
        return int(self._transport.send_many(chunks))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def count_sends(sock: Any) -> Counting:
    sock._transport = counting = Counting(sock._transport)
    return counting


def test_corked_writes_leave_in_one_send(pair: Any) -> None:
    sock, peer = pair
    counting = count_sends(sock)
    sock.cork()
    assert [sock.write(data) for data in (b"a", b"b", b"c")] == [False] * 3
    assert sock.writable_length == 3 and counting.sends == 0
    sock.uncork()
    assert counting.sends == 1 and sock.writable_length == 0
    assert peer.socket.recv(100) == b"abc"


def test_the_last_of_several_corks_sends(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "drain")
    sock.cork()
    sock.cork()
    sock.write(b"x", told.callback("callback"))
    sock.uncork()
    assert sock.writable_length == 1
    sock.uncork()
    sock.uncork()               # one too many does no harm
    told.until("drain", "callback")
    assert sock.write(b"y") is True
    assert peer.read(2) == b"xy"


def test_end_removes_the_corks(pair: Any) -> None:
    sock, peer = pair
    sock.cork()
    sock.cork()
    sock.write(b"corked ")
    sock.end(b"and ended")
    assert peer.read_all() == b"corked and ended"


def test_a_cork_does_not_hold_what_was_written_before_it_while_connecting(held: Held) -> None:
    sock = held.connect()
    told = Told()
    sock.write(b"first ", told.callback("first"))
    sock.write(b"", told.callback("empty"))
    sock.write(b"second", told.callback("second"))
    sock.cork()
    sock.write(b" corked", told.callback("corked"))
    with held.accept().socket as theirs:
        assert Peer(theirs).read(12) == b"first second"
        told.until("first", "empty", "second")
        assert sock.writable_length == 7
        sock.uncork()
        assert Peer(theirs).read(7) == b" corked"
        told.until("first", "empty", "second", "corked")
        sock.destroy()


def test_a_cork_does_not_hold_what_the_kernel_had_no_room_for(pair: Any) -> None:
    sock, peer = pair
    written = fill(sock)
    sock.cork()
    sock.write(b"corked")
    assert len(peer.read(written)) == written
    eventually(lambda: sock.writable_length == 6)
    sock.uncork()
    assert peer.read(6) == b"corked"


def test_flush_sends_what_is_corked_and_leaves_the_cork(pair: Any) -> None:
    sock, peer = pair
    sock.cork()
    sock.write(b"flushed")
    sock.flush(WAIT)
    assert peer.read(7) == b"flushed"
    sock.write(b"kept")
    assert sock.writable_length == 4
    sock.uncork()
    assert peer.read(4) == b"kept"


def test_flush_waits_for_more_corked_bytes_than_the_kernel_takes(pair: Any) -> None:
    sock, peer = pair
    sock.cork()
    sock.write(BIG)
    reader = InThread(peer.read, len(BIG))
    sock.flush(WAIT)
    assert sock.writable_length == 0
    assert reader.result() == BIG


def test_sendall_does_not_wait_for_an_uncork(pair: Any) -> None:
    sock, peer = pair
    sock.cork()
    sock.write(b"corked ")
    sock.sendall(b"sent", WAIT)
    assert peer.read(11) == b"corked sent"


# ---- end ----

def test_end_sends_the_queue_then_a_fin_then_tells(pair: Any) -> None:
    sock, peer = pair
    needs_half_close(peer)
    told = Told().listen(sock, "finish")
    sock.on("finish", lambda: told.add((sock.writable_finished, sock.destroyed)))
    sock.write(BIG)
    assert sock.end(b"tail", told.callback("end")) is sock
    assert sock.writable_ended and not sock.writable_finished and not sock.writable
    assert peer.read_all() == BIG + b"tail"
    told.until("end", "finish", (True, False))
    assert sock.ready_state == "readOnly"


@pytest.mark.parametrize("arguments, expected", [((), b""), ((b"x",), b"x"), (("ff", "hex"), b"\xff")])
def test_the_forms_of_end(tcp_pair: Any, arguments: Any, expected: bytes) -> None:
    for with_callback in (False, True):
        for sock, peer in connected("tcp", ""):
            told = Told()
            sock.end(*arguments, *([told.callback("end")] if with_callback else []))
            assert peer.read_all() == expected
            if with_callback:
                told.until("end")


def test_end_twice_before_finish_is_harmless(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "finish", "error")
    size = fill(sock)
    sock.end(told.callback("first"))
    sock.end(told.callback("second"))
    assert len(peer.read_all()) == size
    told.until("first", "second", "finish")


def test_end_after_finish_says_so_in_its_callback(pair: Any) -> None:
    sock, _ = pair
    told = Told().listen(sock, "error")
    sock.end()
    sock.wait_for("finish", WAIT)
    sock.end(told.callback("again"))
    told.until(("again", "ERR_STREAM_ALREADY_FINISHED"))


def test_end_with_data_after_end_is_a_write_after_end(pair: Any) -> None:
    sock, _ = pair
    told = Told().listen(sock, "error", "close")
    fill(sock)
    sock.end()
    sock.end(b"x", told.callback("again"))
    told.until(("error", "ERR_STREAM_WRITE_AFTER_END"), ("again", "ERR_STREAM_WRITE_AFTER_END"), "close")


def test_end_after_destroy_says_so_in_its_callback(pair: Any) -> None:
    sock, _ = pair
    told = Told()
    sock.destroy()
    sock.end(told.callback("end"))
    told.until(("end", "ERR_STREAM_DESTROYED"))


def test_both_ends_over_closes_the_socket(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "end", "finish", "close")
    sock.resume()
    sock.end()
    sock.wait_for("finish", WAIT)
    peer.socket.close()
    told.until("finish", "end", "close")


def test_destroy_soon_sends_everything_first(pair: Any) -> None:
    sock, peer = pair
    told = Told().listen(sock, "finish", "close")
    sock.write(BIG)
    sock.destroy_soon()
    assert not sock.destroyed
    assert peer.read_all() == BIG
    told.until("finish", "close")


def test_destroy_soon_after_finish_destroys_at_once(pair: Any) -> None:
    sock, _ = pair
    sock.end()
    sock.wait_for("finish", WAIT)
    sock.destroy_soon()
    assert sock.destroyed


# ---- reset ----

@on_wine("takes a reset for an end")
def test_reset_and_destroy_resets(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    told = Told().listen(sock, "error", "close")
    assert sock.reset_and_destroy() is sock
    with pytest.raises(ConnectionResetError):
        peer.socket.recv(1)
    told.until("close")


def test_reset_and_destroy_is_refused_on_ipc(ipc_path: str) -> None:
    for sock, peer in connected(IPC, ipc_path):
        with pytest.raises(TypeError) as caught:
            sock.reset_and_destroy()
        assert caught.value.code == "ERR_INVALID_HANDLE_TYPE"       # type: ignore[attr-defined]
        assert not sock.destroyed


@on_wine("takes a reset for an end")
def test_reset_and_destroy_while_connecting_resets_as_soon_as_connected(held: Held) -> None:
    sock = held.connect()
    told = Told().listen(sock, "connect", "error", "close")
    sock.reset_and_destroy()
    assert not sock.destroyed
    with held.accept().socket as theirs:
        with pytest.raises(ConnectionResetError):
            theirs.recv(1)
    told.until("connect", "close")


def test_reset_and_destroy_of_a_socket_without_connection_is_an_error_event() -> None:
    sock = netcompat.Socket()
    told = Told().listen(sock, "error", "close")
    sock.reset_and_destroy()
    told.until(("error", "ERR_SOCKET_CLOSED"), "close")


# ---- numbers ----

def test_bytes_written_counts_encoded_bytes_and_queued_ones(pair: Any) -> None:
    sock, peer = pair
    sock.write("ä")
    assert sock.bytes_written == 2
    size = fill(sock)
    assert sock.bytes_written == 2 + size
    sock.destroy()
    sock.wait_for("close", WAIT)
    assert sock.bytes_written == 2 + size


def test_buffer_size_is_the_old_name_of_writable_length(tcp_pair: Any) -> None:
    sock, _ = tcp_pair
    fill(sock)
    with pytest.warns(DeprecationWarning):
        assert sock.buffer_size == sock.writable_length > 0


def test_the_writable_high_water_mark_is_reported() -> None:
    assert netcompat.Socket(high_water_mark=5).writable_high_water_mark == 5


# ---- sendall and flush ----

def test_sendall_returns_when_all_is_in_the_kernel(pair: Any) -> None:
    sock, peer = pair
    reader = InThread(peer.read, len(BIG))
    sock.sendall(BIG, WAIT)
    assert sock.writable_length == 0
    assert reader.result() == BIG


def test_sendall_times_out_and_leaves_the_rest_queued(pair: Any) -> None:
    sock, peer = pair
    with pytest.raises(TimeoutError):
        sock.sendall(BIG, 0.05)
    assert sock.writable_length > 0 and not sock.destroyed
    assert peer.read(len(BIG)) == BIG
    sock.flush(WAIT)


def test_sendall_raises_what_ended_the_connection(tcp_pair: Any) -> None:
    sock, peer = tcp_pair
    sender = InThread(sock.sendall, BIG)
    eventually(lambda: sock.writable_length)
    reset(peer.socket)
    with pytest.raises(ConnectionResetError) as caught:
        sender.result()
    assert caught.value.code == "ECONNRESET"                # type: ignore[attr-defined]


def test_sendall_on_a_closed_socket_raises(pair: Any) -> None:
    sock, _ = pair
    sock.destroy()
    with pytest.raises(OSError) as caught:
        sock.sendall(b"x", WAIT)
    assert caught.value.code == "ERR_STREAM_DESTROYED"      # type: ignore[attr-defined]


def test_sendall_while_connecting_waits_for_the_connection(held: Held) -> None:
    sock = held.connect()
    with pytest.raises(TimeoutError):
        sock.sendall(b"early", 0.02)
    sender = InThread(sock.sendall, b" bird", WAIT)
    eventually(lambda: sock.bytes_written == 10)
    with held.accept().socket as theirs:
        sender.result()
        assert Peer(theirs).read(10) == b"early bird"
        sock.destroy()


def test_sendall_in_a_listener_has_backpressure(pair: Any) -> None:
    sock, peer = pair
    told = Told()

    def answer(chunk: bytes) -> None:
        sock.sendall(BIG)
        told.add(sock.writable_length)
    sock.on("data", answer)
    peer.socket.sendall(b"go")
    assert peer.read(len(BIG)) == BIG
    told.until(0)


def test_flush_waits_for_the_queue(pair: Any) -> None:
    sock, peer = pair
    size = fill(sock)
    with pytest.raises(TimeoutError):
        sock.flush(0.05)
    reader = InThread(peer.read, size)
    sock.flush(WAIT)
    assert sock.writable_length == 0
    reader.result()


def test_flush_has_nothing_to_wait_for_at_rest(pair: Any) -> None:
    sock, _ = pair
    sock.flush(0)


def test_flush_raises_what_ended_the_connection(pair: Any) -> None:
    sock, _ = pair
    fill(sock)
    flusher = InThread(sock.flush)
    eventually(lambda: sock._helpers)
    sock.destroy(ValueError("mine"))
    with pytest.raises(ValueError, match="mine"):
        flusher.result()


def test_flush_after_end_waits_for_the_fin_too(held: Held) -> None:
    sock = held.connect()
    sock.end()
    with pytest.raises(TimeoutError):
        sock.flush(0.02)
    with held.accept().socket as theirs:
        sock.flush(WAIT)
        theirs.settimeout(0)
        assert theirs.recv(1) == b""        # it is there already
        sock.destroy()


def test_the_idle_timeout_ends_a_sendall_that_gets_nowhere(pair: Any) -> None:
    sock, _ = pair
    fill(sock)
    sock.set_timeout(50)
    with pytest.raises(TimeoutError):
        sock.sendall(b"x", WAIT)
    assert not sock.destroyed


# ---- much ----

@pytest.mark.parametrize("kind", ["tcp", IPC])
def test_a_hundred_megabytes_each_way_arrive_whole_whoever_is_slower(kind: str, ipc_path: str) -> None:
    size, piece = 100 << 20, os.urandom(1 << 20)
    for sock, peer in connected(kind, ipc_path, allow_half_open=True):
        received = hashlib.sha256()
        done = threading.Event()
        sock.on("data", received.update)
        sock.on("end", done.set)

        def send_theirs() -> None:
            for _ in range(size >> 20):
                peer.socket.sendall(piece)
            peer.socket.shutdown(stdlib_socket.SHUT_WR)

        def receive_theirs() -> str:
            digest = hashlib.sha256()
            buffer = bytearray(1 << 13)                 # slower than the sender
            while True:
                count = peer.socket.recv_into(buffer)
                if not count:
                    return digest.hexdigest()
                digest.update(memoryview(buffer)[:count])
        sender, receiver = InThread(send_theirs), InThread(receive_theirs)
        for _ in range(size >> 20):
            if not sock.write(piece):
                sock.wait_for("drain", 30)
        sock.end()
        expected = hashlib.sha256()
        for _ in range(size >> 20):
            expected.update(piece)
        receiver._thread.join(50)
        assert receiver.result() == expected.hexdigest()
        sender.result()
        assert done.wait(30)
        assert received.hexdigest() == expected.hexdigest()
        assert sock.bytes_read == sock.bytes_written == size


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_sender_that_heeds_the_answer_of_write_stays_small(run_script: Any) -> None:
    result = run_script("""
        import socket, threading
        import netcompat

        def memory():
            with open("/proc/self/status") as file:
                return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

        listener = socket.create_server(("127.0.0.1", 0))
        sock = netcompat.connect(listener.getsockname()[1], "127.0.0.1")
        theirs = listener.accept()[0]
        sock.wait_for("connect", 10)
        start = memory()

        def receive():
            total, buffer = 0, bytearray(4096)
            while True:
                count = theirs.recv_into(buffer)
                if not count:
                    print("received", total)
                    return
                total += count
        receiver = threading.Thread(target=receive)
        receiver.start()
        piece = bytes(1 << 20)
        waited = 0
        for _ in range(100):
            if not sock.write(bytearray(piece)):        # kept, since it could be changed
                waited += 1
                sock.wait_for("drain", 30)
        sock.end()
        receiver.join()
        print("waited", waited > 0)
        print("grown", (memory() - start) >> 10)
        theirs.close()
        listener.close()
        sock.destroy()
        netcompat.shutdown(5)
        """)
    assert result.returncode == 0, result.stderr
    lines = dict(line.split() for line in result.stdout.splitlines())
    assert lines["received"] == str(100 << 20) and lines["waited"] == "True"
    assert int(lines["grown"]) < 64


def test_a_closed_descriptor_of_ours_is_an_error_event_and_no_crash(tcp_pair: Any) -> None:
    """Foreign code closes it: the next send says so."""
    sock, _ = tcp_pair
    told = Told().listen(sock, "error", "close")
    stdlib_socket.close(sock.fileno())
    assert sock.write(b"x", told.callback("write")) is False
    code = "ENOTSOCK" if sys.platform == "win32" else "EBADF"
    told.until(("write", code), ("error", code), "close")
