"""`dispatch` and `EventQueue`: listeners on a thread of the program's own: of a GUI, an event loop or a script."""
from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from typing import Any, Callable, Dict, List

import netcompat
import pytest
from connections import WAIT, InThread


def talk(dispatch: Any) -> Dict[str, List[Any]]:
    """A server and a client with this dispatch; what ran, and where. Ends by itself when somebody pumps."""
    seen: Dict[str, List[Any]] = {"threads": [], "data": [], "closed": []}

    def note(what: str, value: Any) -> None:
        seen["threads"].append(threading.get_ident())
        seen[what].append(value)

    def on_connection(peer: netcompat.Socket) -> None:
        peer.on("data", lambda chunk: (note("data", chunk), peer.end(chunk.upper())))

    server = netcompat.create_server(on_connection, dispatch=dispatch).listen(0, "127.0.0.1")
    client = netcompat.connect(server.address().port, "127.0.0.1", dispatch=dispatch)      # type: ignore[union-attr]
    client.on("connect", lambda: client.write("hello"))
    client.on("data", lambda chunk: note("data", chunk))
    client.on("close", lambda had_error: server.close())
    server.on("close", lambda: note("closed", True))
    return seen


# ---- one line for each kind of program ----

def test_a_script_pumps_on_its_main_thread() -> None:
    queue = netcompat.EventQueue()
    seen = talk(queue.put)
    queue.run_until(lambda: seen["closed"], WAIT)
    assert seen["data"] == [b"hello", b"HELLO"]
    assert set(seen["threads"]) == {threading.get_ident()}


def test_a_game_loop_pumps_between_frames() -> None:
    queue, frames = netcompat.EventQueue(), 0
    seen = talk(queue.put)
    deadline = time.monotonic() + WAIT
    while not seen["closed"] and time.monotonic() < deadline:
        queue.run_pending(0.005)
        frames += 1
        time.sleep(0.001)
    assert seen["data"] == [b"hello", b"HELLO"] and frames > 1
    assert set(seen["threads"]) == {threading.get_ident()}


def test_asyncio_runs_them_on_its_loop() -> None:
    async def main() -> Dict[str, List[Any]]:
        seen = talk(asyncio.get_running_loop().call_soon_threadsafe)
        deadline = time.monotonic() + WAIT
        while not seen["closed"] and time.monotonic() < deadline:
            await asyncio.sleep(0.001)
        return seen

    seen = asyncio.run(main())
    assert seen["data"] == [b"hello", b"HELLO"]
    assert set(seen["threads"]) == {threading.get_ident()}


def test_qt_runs_them_on_its_thread(run_script: Any) -> None:
    """The line of the README. Not every machine has Qt; in continuous integration it is too big to be fetched. In a
    process of its own, since Qt keeps descriptors."""
    pytest.importorskip("PySide6.QtCore", reason="PySide6 is not installed")
    result = run_script(f"""
        import sys, threading
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        from PySide6.QtCore import QCoreApplication, QTimer
        from test_dispatch import talk
        app = QCoreApplication([])
        seen = talk(lambda call: QTimer.singleShot(0, app, call))
        watch = QTimer()
        watch.timeout.connect(lambda: seen["closed"] and app.quit())
        watch.start(5)
        QTimer.singleShot(10000, app.quit)
        app.exec()
        print(seen["data"], set(seen["threads"]) == {{threading.get_ident()}})
    """)
    assert (result.returncode, result.stdout) == (0, "[b'hello', b'HELLO'] True\n"), result.stderr


def test_an_executor_runs_them_in_order() -> None:
    with concurrent.futures.ThreadPoolExecutor(4, "executor") as executor:
        seen = talk(executor.submit)
        deadline = time.monotonic() + WAIT
        while not seen["closed"] and time.monotonic() < deadline:
            time.sleep(0.001)
    assert seen["data"] == [b"hello", b"HELLO"]
    assert threading.get_ident() not in seen["threads"]


def test_the_default_dispatch_holds_for_what_is_made_afterwards() -> None:
    queue = netcompat.EventQueue()
    netcompat.set_default_dispatch(queue.put)
    try:
        seen = talk(None)
    finally:
        netcompat.set_default_dispatch(None)
    queue.run_until(lambda: seen["closed"], WAIT)
    assert set(seen["threads"]) == {threading.get_ident()}


def test_a_slow_pump_slows_the_sender_down_and_loses_nothing() -> None:
    """The pool receives for a thread that does not come, up to the high-water mark."""
    queue, total = netcompat.EventQueue(), 8 << 20
    got = bytearray()
    server = netcompat.create_server(lambda peer: peer.on("data", got.extend), dispatch=queue.put,
                                     high_water_mark=65536)
    port = server.listen(0, "127.0.0.1").address().port     # type: ignore[union-attr]
    client = netcompat.connect(port, "127.0.0.1")
    sending = InThread(client.sendall, bytes(total), 30)
    queue.run_until(lambda: server.connections, WAIT)
    peer, = server.connections
    highest = 0
    deadline = time.monotonic() + 30
    while len(got) < total and time.monotonic() < deadline:
        highest = max(highest, peer.readable_length)
        queue.run_pending(0.001)
        time.sleep(0.001)
    sending.result()
    assert len(got) == total
    assert highest <= 2 * 65536
    client.destroy()
    server.close()
    queue.run_until(lambda: not server.connections, WAIT)


# ---- what could never return is refused ----

REFUSALS: Dict[str, Callable[[Any, Any], Any]] = {
    "wait_for of a client": lambda server, client: client.wait_for("connect", 20),
    "wait_for of a server": lambda server, client: server.wait_for("connection", 20),
    "serve_forever": lambda server, client: server.serve_forever(),
}


@pytest.mark.parametrize("what", list(REFUSALS))
@pytest.mark.parametrize("pumped", ["never", "once"])
def test_what_only_this_thread_could_bring_is_refused(what: str, pumped: str, run_script: Any) -> None:
    """The thread of an EventQueue that waits for an event of it would wait for ever, also before its first pump. In a
    process of its own, since another thread could be the one that pumps."""
    result = run_script(f"""
        import sys, time
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import netcompat
        from test_dispatch import REFUSALS
        queue = netcompat.EventQueue()
        if {pumped!r} == "once":
            queue.run_pending()
        server = netcompat.create_server(dispatch=queue.put).listen(0, "127.0.0.1")
        client = netcompat.connect(server.address().port, "127.0.0.1", dispatch=queue.put)
        began = time.monotonic()
        try:
            REFUSALS[{what!r}](server, client)
        except RuntimeError as problem:
            assert time.monotonic() - began < 10, "it waited"
            print(problem)
        netcompat.shutdown(10)
    """)
    assert result.returncode == 0, result.stderr
    assert "for ever" in result.stdout and "queue" in result.stdout.lower()


def test_waiting_beside_the_thread_that_pumps_is_fine_even_before_its_first_pump() -> None:
    """The main thread may wait for what another thread will bring as soon as it begins."""
    queue, begin = netcompat.EventQueue(), threading.Event()

    def pump() -> None:
        begin.wait(WAIT)
        queue.run_forever()

    thread = threading.Thread(target=pump)
    thread.start()
    try:
        server = netcompat.create_server(dispatch=queue.put).listen(0, "127.0.0.1")
        client = netcompat.connect(server.address().port, "127.0.0.1", dispatch=queue.put)  # type: ignore[union-attr]
        waiting = InThread(client.wait_for, "connect", WAIT)
        begin.set()
        assert waiting.result() == ()
        assert client.wait_for("ready", WAIT) == ()
        with pytest.raises(TimeoutError):
            client.wait_for("end", 0.01)
        netcompat.shutdown(WAIT)
    finally:
        begin.set()
        queue.stop()
        thread.join(WAIT)


def test_a_script_with_nobody_else_times_out_no_later_than_told() -> None:
    """A thread beside it could pump, so it waits; for as long as it was told."""
    queue, go = netcompat.EventQueue(), threading.Event()
    thread = threading.Thread(target=go.wait, args=(WAIT,))
    thread.start()
    server = netcompat.create_server(dispatch=queue.put).listen(0, "127.0.0.1")
    try:
        with pytest.raises(TimeoutError):
            server.wait_for("connection", 0.6)
    finally:
        go.set()
        thread.join(WAIT)
        server.close()
        queue.run_pending()


def test_asyncios_own_thread_must_not_wait_for_its_own_listeners() -> None:
    async def main() -> None:
        server = netcompat.create_server(dispatch=asyncio.get_running_loop().call_soon_threadsafe)
        server.listen(0, "127.0.0.1")
        with pytest.raises(RuntimeError, match="for ever"):
            server.wait_for("listening", 20)
        async with server:
            pass

    asyncio.run(main())


def test_leaving_a_server_on_the_thread_that_pumps_does_not_wait_for_itself() -> None:
    queue = netcompat.EventQueue()
    queue.run_pending()
    closed: List[bool] = []
    with netcompat.create_server(dispatch=queue.put) as server:
        server.on("close", lambda: closed.append(True))
        server.listen(0, "127.0.0.1")
    assert not server.listening
    queue.run_until(lambda: closed, WAIT)
