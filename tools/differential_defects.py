"""Defects to plant in netcompat, to see whether the comparison with Node notices them: `differential.py --planted`.

They are of the kind that a slip brings: an event that is lost or told twice, an order turned round, a number or a code
that is off. Each spoils one method of the sockets of this process; its docstring says what users would see.
"""
from typing import Any, Callable, Dict

import netcompat
from netcompat import stream
from netcompat.runtime.reactor import reactor

DEFECTS: Dict[str, Callable[[], None]] = {}


def defect(name: str, owner: Any = netcompat.Socket) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The function stands for the method or property `name`, when planted; its first argument is the sound one."""
    def register(spoiled: Callable[..., Any]) -> Callable[..., Any]:
        def plant() -> None:
            sound = getattr(owner, name)
            if isinstance(sound, property):
                setattr(owner, name, property(lambda this: spoiled(sound.fget, this)))
            else:
                setattr(owner, name, lambda *args, **options: spoiled(sound, *args, **options))
        plant.__doc__ = spoiled.__doc__
        DEFECTS[spoiled.__name__.replace("_", "-")] = plant
        return spoiled
    return register


# ---- what is told ----

@defect("_deliver_drain")
def drain_lost(sound: Any, sock: Any) -> None:
    """'drain' is not told"""
    sock._drain_posted = False


@defect("_sent")
def drain_too_often(sound: Any, sock: Any, count: int, all_of_it: bool) -> None:
    """'drain' comes whenever something that was queued is sent"""
    sound(sock, count, all_of_it)
    sock._post(sock._deliver, "drain")


@defect("_deliver_state")
def finish_lost(sound: Any, sock: Any, event: str, *args: Any) -> Any:
    """'finish' is not told"""
    return event == "finish" or sound(sock, event, *args)


@defect("_deliver_state")
def ready_lost(sound: Any, sock: Any, event: str, *args: Any) -> Any:
    """'ready' is not told"""
    return event == "ready" or sound(sock, event, *args)


@defect("_deliver_state")
def end_twice(sound: Any, sock: Any, event: str, *args: Any) -> Any:
    """'end' is told twice"""
    if event == "end":
        sound(sock, event, *args)
    return sound(sock, event, *args)


@defect("_deliver_end")
def close_before_end(sound: Any, sock: Any) -> None:
    """'end' comes behind 'close', where the one brings the other"""
    if not sock.writable_finished:
        sound(sock)
    elif sock._enter(sock._end_told):
        sock._enter(sock._after_end)
        reactor.call_soon(lambda: sock._enter(sock._post, lambda: [listener() for listener in sock.listeners("end")]))


@defect("_finish_told")
def finish_before_callback(sound: Any, sock: Any) -> Any:
    """the callback of end() comes after 'finish'"""
    callbacks = sound(sock)
    if callbacks is not None:
        sock._post(lambda: [sock._call_back(each, None) for each in callbacks if each is not stream._DESTROY])
    return callbacks and [each for each in callbacks if each is stream._DESTROY]


@defect("_sent")
def callbacks_backwards(sound: Any, sock: Any, count: int, all_of_it: bool) -> None:
    """the callbacks of queued writes come in reverse"""
    if all_of_it and sock._queue:
        for place, callback in enumerate([callback for _, callback in reversed(sock._queue)]):
            sock._queue[place] = (sock._queue[place][0], callback)
    sound(sock, count, all_of_it)


@defect("_destroy")
def callback_lost(sound: Any, sock: Any, *args: Any) -> None:
    """the callbacks of writes that destroy() cuts are not called"""
    sock._queue = type(sock._queue)((data, None) for data, _ in sock._queue) if sock._queue else None
    sound(sock, *args)


@defect("_destroy")
def wrong_close_argument(sound: Any, sock: Any, *args: Any) -> None:
    """'close' says that there was an error"""
    sound(sock, *args)
    sock._had_error = True


@defect("_why_not_writable")
def wrong_code(sound: Any, sock: Any, call: str) -> Any:
    """a write after end() says ERR_STREAM_DESTROYED"""
    problem = sound(sock, call)
    if getattr(problem, "code", "") == "ERR_STREAM_WRITE_AFTER_END":
        problem.code = "ERR_STREAM_DESTROYED"
    return problem


@defect("_listener_now")
def once_stays(sound: Any, sock: Any, event: str, entry: Any) -> Any:
    """a listener of 'data' that was added with once() is called each time"""
    return entry.listener if event == "data" and type(entry) is stream._Once else sound(sock, event, entry)


@defect("_deliver_close", netcompat.Server)
def server_close_lost(sound: Any, server: Any, life: int) -> None:
    """a server closes, and its 'close' is not told"""
    if server._enter(server._begin_close, life) is not None:
        server._enter(server._end_life, life)


# ---- what is carried ----

@defect("_deliver_data")
def byte_lost(sound: Any, sock: Any, chunk: Any) -> None:
    """the last byte of a chunk of 1000 bytes or more is lost"""
    sound(sock, chunk[:-1] if len(chunk) >= 1000 else chunk)


@defect("_take_buffered")
def byte_twice(sound: Any, sock: Any, wanted: int) -> Any:
    """the last byte of what waited in the buffer comes twice"""
    chunk = sound(sock, wanted)
    return chunk + chunk[-1:]


@defect("_keep")
def chunks_swapped(sound: Any, sock: Any, chunk: Any) -> None:
    """what waits in the buffer is in the wrong order"""
    sound(sock, chunk)
    sock._buffer.rotate()


@defect("_set_encoding")
def torn_characters(sound: Any, sock: Any, encoding: str) -> None:
    """a character that comes in two chunks is torn"""
    sound(sock, encoding)
    decoder = sock._decoder

    class Torn:
        def decode(self, data: bytes, final: bool = False) -> Any:
            return decoder.decode(data, True)

        def __getattr__(self, name: str) -> Any:
            return getattr(decoder, name)
    sock._decoder = Torn()


# ---- what is said ----

@defect("_enqueue")
def write_always_true(sound: Any, sock: Any, data: Any, callback: Any) -> None:
    """no 'drain' is owed for a write that was answered with False"""
    sound(sock, data, callback)
    sock._need_drain = False


@defect("_write_later")
def wrong_bytes_written(sound: Any, sock: Any, data: Any, callback: Any) -> Any:
    """bytes_written does not count what is queued"""
    before = sock.bytes_written
    answer = sound(sock, data, callback)
    sock.bytes_written = before
    return answer


@defect("readable_length")
def wrong_readable_length(sound: Any, sock: Any) -> int:
    """readable_length counts what waits as chunks instead of bytes"""
    return len(sock._buffer or ())


# ---- what is done ----

@defect("_pause")
def pause_in_vain(sound: Any, sock: Any) -> Any:
    """pause() says so, and 'data' flows on"""
    changed = sound(sock)
    sock._flowing = sock._flowing or changed
    return changed


@defect("_after_end")
def half_open_always(sound: Any, sock: Any) -> None:
    """a socket does not end itself after the peer's FIN"""
    allowed, sock.allow_half_open = sock.allow_half_open, True
    sound(sock)
    sock.allow_half_open = allowed


@defect("_cork")
def cork_in_vain(sound: Any, sock: Any, change: int) -> None:
    """cork() does nothing"""


@defect("_deliver_timeout")
def timeout_lost(sound: Any, sock: Any) -> None:
    """'timeout' is not told"""
