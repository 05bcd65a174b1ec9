"""The channel: frames and descriptors in order, full in both directions, and its end."""
import os
import socket
import threading
from typing import Any, List, Optional, Tuple

import pytest

import netcompat
from cluster_helpers import helpers_of_multiprocessing
from cluster_targets import WAIT
from netcompat.cluster.channel import NO_DESCRIPTOR, Channel, channel_pair
from netcompat.runtime import lifetime

resource = pytest.importorskip("resource")


class End:
    """One end of a channel, and what came out of it."""

    def __init__(self, sock: socket.socket) -> None:
        self.frames: List[Tuple[Any, Optional[int]]] = []
        self.ended = threading.Event()
        self._changed = threading.Condition()
        self.channel = Channel(sock, self._on_frame, self.ended.set)
        lifetime.opened(self, False)        # the reactor is needed
        self.channel.start()

    def _on_frame(self, frame: Any, descriptor: Optional[int]) -> None:
        with self._changed:
            self.frames.append((frame, descriptor))
            self._changed.notify_all()

    def until(self, count: int) -> List[Tuple[Any, Optional[int]]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.frames) >= count, WAIT), len(self.frames)
        return self.frames

    def close(self) -> None:
        self.channel.close()
        assert self.ended.wait(WAIT)
        lifetime.closed(self)


@pytest.fixture
def ends():
    both = [End(sock) for sock in channel_pair()]
    yield both
    for end in both:
        end.close()


def test_frames_come_in_order(ends):
    one, other = ends
    for number in range(1000):
        one.channel.send(("number", number))
    assert [frame[1] for frame, _ in other.until(1000)] == list(range(1000))


def test_each_descriptor_comes_with_its_frame(ends):
    one, other = ends
    pairs = [socket.socketpair() for _ in range(100)]
    for number, (near, _) in enumerate(pairs):
        one.channel.send(("plain", number, b"x" * (number * 700)))
        one.channel.send(("attached", number), near)
    came = other.until(200)
    assert [frame[:2] for frame, _ in came] == [(kind, number) for number in range(100)
                                                for kind in ("plain", "attached")]
    for frame, descriptor in came:
        if frame[0] == "plain":
            assert descriptor is None
            continue
        assert not os.get_inheritable(descriptor)
        near, far = pairs[frame[1]]
        with socket.socket(fileno=descriptor) as same:
            same.send(str(frame[1]).encode())
        assert far.recv(10) == str(frame[1]).encode()
        near.close()
        far.close()


def test_two_full_channels_do_not_wait_for_each_other(ends):
    """Both ends send more than the kernel holds before either could have read anything."""
    big = b"x" * 300000
    for end in ends:
        crowded = [end.channel.send((number, big)) for number in range(100)]
        assert crowded[0]
    for end in ends:
        assert [frame[0] for frame, _ in end.until(100)] == list(range(100))
        assert all(frame[1] == big for frame, _ in end.frames)


def test_send_says_when_much_is_queued():
    near, far = channel_pair()
    end = End(near)
    answers = [end.channel.send((b"x" * 100000,)) for _ in range(200)]
    assert answers[0] is True and answers[-1] is False
    end.close()
    far.close()


def test_what_was_sent_before_the_end_is_read(ends):
    one, other = ends
    for number in range(100):
        one.channel.send((number,))
    one.channel.close()
    assert other.ended.wait(WAIT)
    assert len(other.frames) == 100


def test_who_sends_to_a_closed_end_still_reads_what_that_had_sent():
    """A worker says that it took a connection and dies; the primary is just sending it the next one."""
    near, far = channel_pair()
    end = End(far)
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100000)
    peer = Channel(near, lambda *_: None, lambda: None)
    for number in range(50):
        near.send(_frame_of(peer, (number,)))
    near.close()
    end.channel.send(("too late",))
    assert end.ended.wait(WAIT)
    assert len(end.frames) == 50
    end.close()


def _frame_of(channel: Channel, frame: Any) -> bytes:
    """The bytes of a frame, as the channel would send them."""
    import pickle
    from netcompat.cluster.channel import _HEADER
    payload = pickle.dumps(frame)
    return _HEADER.pack(len(payload), 0) + payload


def test_a_descriptor_that_cannot_be_received_leaves_the_others_in_order(ends):
    one, other = ends
    pairs = [socket.socketpair() for _ in range(3)]
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limit[1]))
    try:
        one.channel.send(("lost",), pairs[0][0])
        other.until(1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    one.channel.send(("second",), pairs[1][0])
    one.channel.send(("third",), pairs[2][0])
    came = other.until(3)
    assert came[0] == (("lost",), NO_DESCRIPTOR)
    for (_, descriptor), (_, far) in zip(came[1:], pairs[1:]):
        with socket.socket(fileno=descriptor) as same:
            same.send(b"!")
        assert far.recv(1) == b"!"
    for near, far in pairs:
        near.close()
        far.close()


def test_a_callback_tells_that_a_frame_has_left(ends):
    one, other = ends
    left = threading.Event()
    one.channel.send((b"x" * 5000000,), sent=left.set)
    assert left.wait(WAIT)
    other.until(1)


def test_a_forked_childs_copy_is_closed_without_a_word():
    near, far = channel_pair()
    copy = Channel(near.dup(), lambda *_: None, lambda: None)
    copy.abandon()
    near.send(b"still open")
    assert far.recv(20) == b"still open"
    near.close()
    far.close()
    netcompat.shutdown(WAIT)
