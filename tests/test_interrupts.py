"""What strikes in the middle: Ctrl-C at each byte code of a method, signal handlers and finalizers that call in,
foreign code that takes a descriptor's number, interpreters within the interpreter.

Ctrl-C is a real signal here, pending from one byte code on; the interpreter delivers it where it looks for signals.
"""
import ctypes
import gc
import os
import signal
import socket as stdlib_socket
import sys
import threading
from typing import Any, Callable, List

import pytest

import netcompat
from conftest import eventually
from netcompat import socket as socket_module, stream as stream_module
from netcompat.runtime import gate

WAIT = 10.0
FILES = {stream_module.__file__, socket_module.__file__, gate.__file__}

posix = pytest.mark.skipif(os.name != "posix" or sys.implementation.name != "cpython", reason="CPython on POSIX")
traced = pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="3.12 crashes when byte codes are traced")


_interrupt = ctypes.pythonapi["PyErr_SetInterrupt"]
_interrupt.argtypes, _interrupt.restype = [ctypes.py_object], None      # it takes none, and cares for none
_NOTHING = (None,)


class At:
    """Makes `strike()` happen at the byte code of that number in the package's code, of those run by `call`."""

    def __init__(self, number: int, strike: Callable[[Any], None]) -> None:
        self.left = number
        self.strike = strike
        self.struck = False

    def run(self, call: Callable[[], Any]) -> None:
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._call)
        try:
            call()
        finally:
            sys.settrace(None)

    def _call(self, frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in FILES or self.struck:
            return None
        frame.f_trace = self._step
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: Any, event: str, argument: Any) -> Any:
        if event == "opcode" and not self.struck:
            self.left -= 1
            if self.left < 0:
                self.struck = True
                self.strike(frame)
        return self._step


def ctrl_c(frame: Any) -> None:
    """SIGINT is pending when this returns: set by C code in a byte code after which the interpreter looks for none, so
    that not the tracer gets it but the code that is traced."""
    sys.settrace(None)
    (_,) = map(_interrupt, _NOTHING)


@posix
@traced
@pytest.mark.skipif(sys.version_info < (3, 11), reason="the tracer itself would get the signal")
@pytest.mark.parametrize("size", [400, 400_000])
def test_ctrl_c_at_each_byte_code_of_write(size: int) -> None:
    """The write is done, or not at all, or the connection is lost: nothing is held and nothing is torn."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        pytest.skip("SIGINT is not Python's own")
    number = interrupted = lost = 0
    while True:
        mine, theirs = stdlib_socket.socketpair()
        theirs.settimeout(WAIT)
        sock = netcompat.Socket(handle=mine)
        told: List[Any] = []
        sock.on("error", told.append)
        closed = closing(sock)
        received = bytearray()
        reader = threading.Thread(target=drain, args=(theirs, received))
        at = At(number, ctrl_c)
        try:
            at.run(lambda: sock.write(b"1" * size))
        except KeyboardInterrupt:
            interrupted += 1
        free_for_others(sock)
        reader.start()
        destroyed = sock.destroyed
        sock.write(b"2" * size)
        sock.end()
        if destroyed:
            lost += 1
        else:
            sock.wait_for("finish", WAIT)
            sock.destroy()
        assert closed.wait(WAIT)
        reader.join(WAIT)
        theirs.close()
        whole = [b"1" * size + b"2" * size, b"2" * size]
        if destroyed:
            assert whole[0].startswith(received) and isinstance(told[0], KeyboardInterrupt), told
        else:
            assert bytes(received) in whole and not told
        if not at.struck:
            break
        number += 1
    assert interrupted > 5 and lost < interrupted and bytes(received) == whole[0]


@posix
@traced
@pytest.mark.skipif(sys.version_info < (3, 11), reason="the tracer itself would get the signal")
@pytest.mark.parametrize("state", ["open", "writing", "connecting", "new"])
def test_ctrl_c_at_each_byte_code_of_destroy(state: str) -> None:
    """It is done, or not at all: 'close' comes once, and every waiting thread hears of it. So do the callbacks, but for
    the one that was about to be told at that moment."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        pytest.skip("SIGINT is not Python's own")
    number = interrupted = destroyed = missed = 0
    while True:
        mine, theirs = stdlib_socket.socketpair()
        go = threading.Event()
        if state == "new":
            sock = netcompat.Socket()
        elif state == "connecting":
            sock = netcompat.connect(1, "held", lookup=lambda *_, **__: go.wait(WAIT) and "127.0.0.1")
        else:
            sock = netcompat.Socket(handle=mine)
        told: List[Any] = []
        sock.on("close", lambda had_error: told.append("close"))
        sock.on("error", told.append)
        waiting: List[threading.Thread] = []
        if state == "writing":
            while sock.write(b"1" * (1 << 16)):
                pass
            for name in ("a", "b"):
                sock.write(b"2", callback=lambda problem, name=name: told.append(name))
            waiting = [threading.Thread(target=raises_oserror, args=(call,))
                       for call in (sock.recv, lambda size: sock.sendall(b"3"))]
            for thread in waiting:
                thread.start()
            eventually(lambda: len(sock._helpers or ()) == 2)
        at = At(number, ctrl_c)
        try:
            at.run(sock.destroy)
        except KeyboardInterrupt:
            interrupted += 1
        free_for_others(sock)
        destroyed += sock.destroyed and at.struck
        closed = closing(sock)
        sock.destroy()
        go.set()
        assert closed.wait(WAIT), number
        for thread in waiting:
            thread.join(WAIT)
            assert not thread.is_alive(), number
        eventually(lambda: told[-1:] == ["close"], message=(number, told))
        left = ["a", "b"] if state == "writing" else []
        for name in told[:-1]:
            left.remove(name)       # in order, and once
        missed += len(left)
        assert len(left) <= 1, (number, told)
        mine.close()
        theirs.close()
        if not at.struck:
            break
        number += 1
    assert interrupted > 5 and destroyed > 5 and missed < interrupted / 4


def raises_oserror(call: Any) -> None:
    with pytest.raises(OSError):
        call(1)


def drain(theirs: Any, into: bytearray) -> None:
    while True:
        data = theirs.recv(1 << 16)
        if not data:
            return
        into += data


def closing(sock: Any) -> threading.Event:
    """Set when 'close' is delivered."""
    closed = threading.Event()
    sock.once("close", lambda had_error: closed.set())
    return closed


def free_for_others(sock: Any) -> None:
    """Another thread can enter."""
    answers: List[Any] = []
    thread = threading.Thread(target=lambda: answers.append(sock._enter(lambda: "in")), daemon=True)
    thread.start()
    thread.join(WAIT)
    assert answers == ["in"], "the gate is held"


@posix
@traced
@pytest.mark.parametrize("method", ["write", "end", "destroy", "pause"])
@pytest.mark.parametrize("inside", ["write", "cork", "set_timeout", "read"])
def test_a_call_at_each_byte_code_of_another(inside: str, method: str) -> None:
    """As from a signal handler or a finalizer: it returns, and nothing is held."""
    arguments = {"write": (b"x",), "set_timeout": (1000,)}
    number = 0
    while True:
        mine, theirs = stdlib_socket.socketpair()
        sock = netcompat.Socket(handle=mine)
        sock.on("error", lambda problem: None)

        def strike(frame: Any) -> None:
            getattr(sock, method)(*arguments.get(method, ()))
        at = At(number, strike)
        at.run(lambda: getattr(sock, inside)(*arguments.get(inside, ())))
        free_for_others(sock)
        eventually(lambda: not sock._inside and not sock._deferred)     # the reactor may be inside at this moment
        assert method != "destroy" or not at.struck or sock.destroyed
        closed = closing(sock)
        sock.destroy()
        assert closed.wait(WAIT)
        theirs.close()
        if not at.struck:
            break
        number += 7
    assert number > 7


@posix
def test_a_finalizer_in_a_collection_may_close_what_it_interrupts() -> None:
    """Collections strike while methods run: each object found closes a socket, mostly the one that is being used."""
    mine, theirs = stdlib_socket.socketpair()
    victim = netcompat.Socket(handle=mine)
    calls: List[int] = []

    class Closing:
        def __init__(self) -> None:
            self.me = self          # found by a collection only

        def __del__(self) -> None:
            calls.append(1)
            victim.write(b"z")
            victim.pause()
            victim.resume()
    theirs.settimeout(WAIT)
    received = bytearray()
    reader = threading.Thread(target=drain, args=(theirs, received))
    reader.start()
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Closing()
            victim.write(b"x", lambda problem: None)
            victim.on("drain", print)
            victim.off("drain", print)
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert len(calls) == 300
    free_for_others(victim)
    victim.end()
    victim.wait_for("finish", WAIT)
    reader.join(WAIT)
    assert received.count(b"x") == 300 and received.count(b"z") == 300
    victim.destroy()
    theirs.close()


@posix
def test_a_number_that_foreign_code_closed_and_reused_is_left_alone() -> None:
    """Foreign code closes a socket's descriptor and at once opens something that gets the same number."""
    for _ in range(20):
        mine, theirs = stdlib_socket.socketpair()
        sock = netcompat.Socket(handle=mine)
        sock.on("error", lambda problem: None)
        sock.on("data", lambda chunk: None)
        closed = closing(sock)
        number = sock.fileno()
        eventually(lambda: sock._interest)
        os.close(number)
        end, other = os.pipe()
        assert number in (end, other)
        sock.write(b"x")            # notices it now, or when the reactor meets it
        sock.destroy()
        assert closed.wait(WAIT)
        os.fstat(end)               # nobody closed the newcomer's
        os.fstat(other)
        os.close(end)
        os.close(other)
        theirs.close()


# ---- interpreters within the interpreter ----

INNER = """
import netcompat
server = netcompat.create_server(lambda sock: sock.end(b'inner')).listen(0, '127.0.0.1')
client = netcompat.connect(server.address().port, '127.0.0.1')
assert b''.join(client) == b'inner'
client.destroy()
server.close()
netcompat.shutdown(10)
"""


@posix
def test_a_sub_interpreter_works_or_says_why_not(run_script: Any) -> None:
    done = run_script("""
        import sys
        try:
            import _interpreters as interpreters
        except ImportError:
            try:
                import _xxsubinterpreters as interpreters
            except ImportError:
                print("fine")
                raise SystemExit
        inner = interpreters.create()
        code = {!r}
        try:
            problem = interpreters.run_string(inner, code)
        except Exception as error:
            problem = error
        text = str(getattr(problem, "formatted", problem))
        print("fine" if problem is None or "interpreter" in text or "daemon" in text else text)
        import netcompat
        exec(code)
        interpreters.destroy(inner)
    """.format(INNER))
    assert (done.stdout, done.returncode) == ("fine\n", 0), done.stderr
