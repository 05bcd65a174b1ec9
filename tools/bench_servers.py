"""The echo servers that `bench.py` compares, one contestant a process: bench_servers.py NAME PORT [SLEEPY_PORT NAP].

On SLEEPY_PORT every listener sleeps NAP seconds before it answers. Each contestant is written as its users would write
it. Prints a line when it listens.
"""
from __future__ import annotations

import asyncio
import selectors
import socket
import socketserver
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Optional

HOST = "127.0.0.1"
BACKLOG = 1024


def ready() -> None:
    print("listening", flush=True)


def no_delay(sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def serve_netcompat(port: int, sleepy_port: Optional[int], nap: float) -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import netcompat

    def quick(connection: Any) -> None:
        connection.on("data", connection.write)

    def sleepy(connection: Any) -> None:
        def on_data(chunk: bytes) -> None:
            time.sleep(nap)
            connection.write(chunk)
        connection.on("data", on_data)

    netcompat.create_server(quick, no_delay=True).listen(port, HOST, BACKLOG)
    if sleepy_port is not None:
        netcompat.create_server(sleepy, no_delay=True).listen(sleepy_port, HOST, BACKLOG)
    ready()


def serve_asyncio(port: int, sleepy_port: Optional[int], nap: float) -> None:
    class Echo(asyncio.Protocol):
        nap = 0.0

        def connection_made(self, transport: Any) -> None:
            self.transport = transport
            no_delay(transport.get_extra_info("socket"))

        def data_received(self, data: bytes) -> None:
            if self.nap:
                time.sleep(self.nap)
            self.transport.write(data)

    class Sleepy(Echo):
        pass

    Sleepy.nap = nap
    run_loop(Echo, Sleepy, port, sleepy_port)


def serve_executor(port: int, sleepy_port: Optional[int], nap: float) -> None:
    """asyncio that keeps netcompat's promise, that listeners may block: each runs in an executor."""
    executor = ThreadPoolExecutor(32)

    class Echo(asyncio.Protocol):
        nap = 0.0

        def connection_made(self, transport: Any) -> None:
            self.transport, self.loop = transport, asyncio.get_running_loop()
            no_delay(transport.get_extra_info("socket"))

        def data_received(self, data: bytes) -> None:
            self.loop.run_in_executor(executor, self.listener, data)

        def listener(self, data: bytes) -> None:
            if self.nap:
                time.sleep(self.nap)
            self.loop.call_soon_threadsafe(self.transport.write, data)

    class Sleepy(Echo):
        pass

    Sleepy.nap = nap
    run_loop(Echo, Sleepy, port, sleepy_port)


def run_loop(quick: Any, sleepy: Any, port: int, sleepy_port: Optional[int]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(quick, HOST, port, backlog=BACKLOG)]
        if sleepy_port is not None:
            servers.append(await loop.create_server(sleepy, HOST, sleepy_port, backlog=BACKLOG))
        ready()
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(main())


def serve_threading(port: int, sleepy_port: Optional[int], nap: float) -> None:
    class Handler(socketserver.BaseRequestHandler):
        nap = 0.0

        def handle(self) -> None:
            no_delay(self.request)
            while True:
                data = self.request.recv(65536)
                if not data:
                    return
                if self.nap:
                    time.sleep(self.nap)
                self.request.sendall(data)

    class Sleepy(Handler):
        pass

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True
        request_queue_size = BACKLOG

    Sleepy.nap = nap
    server = Server((HOST, port), Handler)
    if sleepy_port is not None:
        threading.Thread(target=Server((HOST, sleepy_port), Sleepy).serve_forever, daemon=True).start()
    ready()
    server.serve_forever()


def serve_bare(port: int, sleepy_port: Optional[int], nap: float) -> None:
    """A loop over `selectors` and nothing else: what Python itself allows."""
    selector = selectors.DefaultSelector()
    listener = socket.create_server((HOST, port), backlog=BACKLOG)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    ready()
    while True:
        for key, _ in selector.select():
            sock: Any = key.fileobj
            if sock is listener:
                connection, _ = listener.accept()
                connection.setblocking(False)
                no_delay(connection)
                selector.register(connection, selectors.EVENT_READ)
                continue
            data = sock.recv(65536)
            if data:
                sock.send(data)
            else:
                selector.unregister(sock)
                sock.close()


CONTESTANTS: Dict[str, Callable[[int, Optional[int], float], None]] = {
    "netcompat": serve_netcompat, "asyncio": serve_asyncio, "executor": serve_executor, "threading": serve_threading,
    "bare": serve_bare,
}

if __name__ == "__main__":
    arguments = sys.argv[2:]
    CONTESTANTS[sys.argv[1]](int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else None,
                             float(arguments[2]) if len(arguments) > 2 else 0.0)
