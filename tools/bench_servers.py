"""The servers that `bench.py` compares, one contestant a process.

    bench_servers.py CONTESTANT ADDRESS ROLE [ADDRESS ROLE ...]     serve, and print the addresses in one line
    bench_servers.py CONTESTANT receive ADDRESS                     a client that reads to the end, and prints JSON

An ADDRESS is `tcp` (an unused port of 127.0.0.1) or the path of a Unix socket. The ROLEs, each at its own address:

    quick               answers each chunk with itself
    nap:SECONDS         sleeps before it answers, as a listener does that waits for a database
    compute:COUNT       computes before it answers: so many steps of a loop
    chatter             writes for ever: each callback of a write writes again
    source:BYTES        sends so much with backpressure, then ends
    sink                reads to the end, then ends too

Each contestant is written as its users would write it. What they all do: Nagle's algorithm off, a backlog of 1024.
"""
from __future__ import annotations

import asyncio
import json
import selectors
import socket
import socketserver
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

HOST = "127.0.0.1"
BACKLOG = 1024
CHUNK = b"x" * 65536        # what a source writes at a time
EXECUTOR_WORKERS = 32


class Role(NamedTuple):
    address: str
    kind: str
    value: float

    @classmethod
    def parse(cls, address: str, text: str) -> "Role":
        kind, _, value = text.partition(":")
        return cls(address, kind, float(value or 0))

    def work(self) -> Callable[[], object]:
        """What a listener of this role does before it answers."""
        if self.kind == "nap":
            return lambda: time.sleep(self.value)
        if self.kind == "compute":
            return lambda: compute(int(self.value))
        raise SystemExit(f"this contestant has no role {self.kind!r}")


def compute(count: int) -> int:
    """Byte code, and nothing that lets go of the interpreter."""
    total = 0
    for number in range(count):
        total += number & 7
    return total


def listener_at(address: str) -> socket.socket:
    if address == "tcp":
        return socket.create_server((HOST, 0), backlog=BACKLOG)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(BACKLOG)
    return listener


def connected_to(address: str) -> socket.socket:
    if address.isdigit():
        return socket.create_connection((HOST, int(address)))
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(address)
    return sock


def ready(addresses: List[Any]) -> None:
    print(*(f"{address}" for address in addresses), flush=True)


def name_of(sock: Any) -> Any:
    """A port or a path."""
    name = sock.getsockname()
    return name if isinstance(name, str) else name[1]


def no_delay(sock: Any) -> None:
    if sock.family != getattr(socket, "AF_UNIX", None):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def received(count: int, seconds: float) -> None:
    print(json.dumps({"bytes": count, "rate": count / seconds}), flush=True)


# ---- netcompat ----

def serve_netcompat(roles: List[Role]) -> None:
    net = import_netcompat()

    def listener(role: Role) -> Callable[[Any], None]:
        def quick(connection: Any) -> None:
            connection.on("data", connection.write)

        def working(connection: Any) -> None:
            def on_data(chunk: bytes) -> None:
                work()
                connection.write(chunk)
            connection.on("data", on_data)

        def chatter(connection: Any) -> None:
            message = CHUNK[:64]

            def again(problem: Optional[Exception] = None) -> None:
                if problem is None:
                    connection.write(message, again)
            connection.on("error", lambda problem: None)
            again()

        def source(connection: Any) -> None:
            left = int(role.value)

            def more() -> None:
                nonlocal left
                while left:
                    chunk = CHUNK[:left]
                    left -= len(chunk)
                    if not connection.write(chunk) and left:
                        return
                connection.end()
            connection.on("drain", more)
            more()

        def sink(connection: Any) -> None:
            connection.on("data", lambda chunk: None)

        found = {"quick": quick, "chatter": chatter, "source": source, "sink": sink}.get(role.kind)
        if found is None:
            work = role.work()
        return found or working

    servers = []
    for role in roles:
        server = net.create_server(listener(role), no_delay=True)
        where = {"port": 0, "host": HOST} if role.address == "tcp" else {"path": role.address}
        servers.append(server.listen(backlog=BACKLOG, **where).address())
    ready([address if isinstance(address, str) else address.port for address in servers])


def import_netcompat() -> Any:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import netcompat
    return netcompat


def receive_netcompat(address: str, onread: bool = False) -> None:
    net = import_netcompat()
    total, began = 0, time.monotonic()

    def on_data(chunk: bytes) -> None:
        nonlocal total
        total += len(chunk)

    def on_read(count: int, buffer: Any) -> None:
        nonlocal total
        total += count

    options = {"onread": net.OnRead(bytearray(1 << 18), on_read)} if onread else {}
    where = {"port": int(address), "host": HOST} if address.isdigit() else {"path": address}
    client = net.connect(**where, **options)
    if not onread:
        client.on("data", on_data)
    client.wait_for("end")
    received(total, time.monotonic() - began)


# ---- blocking sockets ----

def serve_threading(roles: List[Role]) -> None:
    def handler(role: Role) -> Any:
        class Quick(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                no_delay(self.request)
                while True:
                    data = self.request.recv(65536)
                    if not data:
                        return
                    self.request.sendall(data)

        class Working(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                no_delay(self.request)
                while True:
                    data = self.request.recv(65536)
                    if not data:
                        return
                    work()
                    self.request.sendall(data)

        if role.kind == "quick":
            return Quick
        work = role.work()
        return Working

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True
        request_queue_size = BACKLOG
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A load that goes away without a goodbye."""

    servers = [Server((HOST, 0), handler(role)) for role in roles]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ready([name_of(server.socket) for server in servers])
    servers[0].serve_forever()


def serve_plain(roles: List[Role]) -> None:
    """One connection at a time, `sendall` and `recv_into`: what the kernel and Python allow."""
    listener = listener_at(roles[0].address)
    ready([name_of(listener)])
    buffer = bytearray(1 << 18)
    while True:
        connection, _ = listener.accept()
        no_delay(connection)
        with connection:
            if roles[0].kind == "sink":
                while connection.recv_into(buffer):
                    pass
            else:
                left = int(roles[0].value)
                while left:
                    chunk = CHUNK[:left]
                    connection.sendall(chunk)
                    left -= len(chunk)


def receive_plain(address: str) -> None:
    buffer, total, began = bytearray(1 << 18), 0, time.monotonic()
    with connected_to(address) as sock:
        while True:
            count = sock.recv_into(buffer)
            if not count:
                break
            total += count
    received(total, time.monotonic() - began)


def serve_bare(roles: List[Role]) -> None:
    """A loop over `selectors` and nothing else: what Python itself allows."""
    selector = selectors.DefaultSelector()
    listener = listener_at(roles[0].address)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    waiting: Dict[Any, bytes] = {}      # what the kernel did not take
    ready([name_of(listener)])

    def forget(sock: Any) -> None:
        waiting.pop(sock, None)
        selector.unregister(sock)
        sock.close()

    while True:
        for key, _ in selector.select():
            sock: Any = key.fileobj
            if sock is listener:
                connection, _ = listener.accept()
                connection.setblocking(False)
                no_delay(connection)
                selector.register(connection, selectors.EVENT_READ)
                continue
            try:
                data = waiting.pop(sock, None) or sock.recv(65536)
                if not data:
                    forget(sock)
                    continue
                try:
                    sent = sock.send(data)
                except BlockingIOError:
                    sent = 0
            except OSError:
                forget(sock)
                continue
            if sent < len(data):
                waiting[sock] = data[sent:]
                selector.modify(sock, selectors.EVENT_WRITE)
            elif key.events == selectors.EVENT_WRITE:
                selector.modify(sock, selectors.EVENT_READ)


# ---- asyncio ----

def run_loop(protocol: Callable[[Role], Any], roles: List[Role]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        servers = []
        for role in roles:
            servers.append(await loop.create_server(protocol(role), sock=listener_at(role.address), backlog=BACKLOG))
        ready([name_of(server.sockets[0]) for server in servers])
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(main())


def serve_asyncio(roles: List[Role]) -> None:
    def protocol(role: Role) -> Any:
        class Quick(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport
                no_delay(transport.get_extra_info("socket"))

            def data_received(self, data: bytes) -> None:
                self.transport.write(data)

        class Working(Quick):
            def data_received(self, data: bytes) -> None:
                work()
                self.transport.write(data)

        class Sink(Quick):
            def data_received(self, data: bytes) -> None:
                pass

        class Source(Quick):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                self.left, self.paused = int(role.value), False
                self.more()

            def more(self) -> None:
                while self.left and not self.paused:
                    chunk = CHUNK[:self.left]
                    self.left -= len(chunk)
                    self.transport.write(chunk)
                if not self.left:
                    self.transport.close()

            def pause_writing(self) -> None:
                self.paused = True

            def resume_writing(self) -> None:
                self.paused = False
                self.more()

        found = {"quick": Quick, "sink": Sink, "source": Source}.get(role.kind)
        if found is None:
            work = role.work()
        return found or Working

    run_loop(protocol, roles)


def receive_asyncio(address: str) -> None:
    class Client(asyncio.Protocol):
        total = 0

        def data_received(self, data: bytes) -> None:
            self.total += len(data)

        def connection_lost(self, problem: Optional[Exception]) -> None:
            done.set_result(None)

    async def main() -> None:
        nonlocal done
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if address.isdigit():
            await loop.create_connection(lambda: client, HOST, int(address))
        else:
            await loop.create_unix_connection(lambda: client, address)
        await done

    client, done, began = Client(), Any, time.monotonic()   # type: Any, Any, float
    asyncio.run(main())
    received(client.total, time.monotonic() - began)


def serve_uvloop(roles: List[Role]) -> None:
    import uvloop
    uvloop.install()
    serve_asyncio(roles)


def receive_uvloop(address: str) -> None:
    import uvloop
    uvloop.install()
    receive_asyncio(address)


def serve_executor(roles: List[Role]) -> None:
    """asyncio that keeps netcompat's promise, that listeners may block: each runs in an executor."""
    executor = ThreadPoolExecutor(EXECUTOR_WORKERS)

    def protocol(role: Role) -> Any:
        class Quick(asyncio.Protocol):
            def connection_made(self, transport: Any) -> None:
                self.transport, self.loop = transport, asyncio.get_running_loop()
                no_delay(transport.get_extra_info("socket"))

            def data_received(self, data: bytes) -> None:
                self.loop.run_in_executor(executor, self.listener, data)

            def listener(self, data: bytes) -> None:
                self.loop.call_soon_threadsafe(self.transport.write, data)

        class Working(Quick):
            def listener(self, data: bytes) -> None:
                work()
                self.loop.call_soon_threadsafe(self.transport.write, data)

        if role.kind == "quick":
            return Quick
        work = role.work()
        return Working

    run_loop(protocol, roles)


def serve_streams(roles: List[Role]) -> None:
    def handler(role: Role) -> Callable[..., Any]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            no_delay(writer.get_extra_info("socket"))
            try:
                while True:
                    data = await reader.read(65536)
                    if not data:
                        break
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass
            writer.close()

        async def source(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            left = int(role.value)
            while left:
                chunk = CHUNK[:left]
                left -= len(chunk)
                writer.write(chunk)
                await writer.drain()
            writer.close()

        async def sink(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(65536):
                pass
            writer.close()

        return {"quick": echo, "source": source, "sink": sink}[role.kind]

    async def main() -> None:
        servers = [await asyncio.start_server(handler(role), sock=listener_at(role.address), backlog=BACKLOG)
                   for role in roles]
        ready([name_of(server.sockets[0]) for server in servers])
        await asyncio.gather(*(server.serve_forever() for server in servers))

    asyncio.run(main())


def receive_streams(address: str) -> None:
    async def main() -> int:
        if address.isdigit():
            reader, writer = await asyncio.open_connection(HOST, int(address))
        else:
            reader, writer = await asyncio.open_unix_connection(address)
        total = 0
        while True:
            data = await reader.read(65536)
            if not data:
                break
            total += len(data)
        writer.close()
        return total

    began = time.monotonic()
    received(asyncio.run(main()), time.monotonic() - began)


# ---- what is not in the standard library ----

def serve_gevent(roles: List[Role]) -> None:
    from gevent.server import StreamServer

    def handle(sock: Any, peer: Any) -> None:
        no_delay(sock)
        try:
            while True:
                data = sock.recv(65536)
                if not data:
                    return
                sock.sendall(data)
        except OSError:
            pass

    server = StreamServer((HOST, 0), handle, backlog=BACKLOG)
    server.start()
    ready([server.server_port])
    server.serve_forever()


def serve_trio(roles: List[Role]) -> None:
    import trio

    async def handle(stream: Any) -> None:
        try:
            while True:
                data = await stream.receive_some(65536)
                if not data:
                    return
                await stream.send_all(data)
        except trio.BrokenResourceError:
            pass

    async def main() -> None:
        listeners = await trio.open_tcp_listeners(0, host=HOST, backlog=BACKLOG)     # Nagle's algorithm is off in trio
        ready([name_of(listeners[0].socket)])
        await trio.serve_listeners(handle, listeners)

    trio.run(main)


def serve_twisted(roles: List[Role]) -> None:
    from twisted.internet import protocol, reactor
    net: Any = reactor

    class Echo(protocol.Protocol):
        def connectionMade(self) -> None:
            self.transport.setTcpNoDelay(True)      # type: ignore[union-attr]

        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)              # type: ignore[union-attr]

    factory = protocol.Factory.forProtocol(Echo)
    factory.noisy = False
    port = net.listenTCP(0, factory, backlog=BACKLOG, interface=HOST)
    ready([port.getHost().port])
    net.run()


CONTESTANTS: Dict[str, Tuple[Callable[[List[Role]], None], Optional[Callable[[str], None]]]] = {
    "netcompat": (serve_netcompat, receive_netcompat),
    "netcompat-onread": (serve_netcompat, lambda address: receive_netcompat(address, True)),
    "asyncio": (serve_asyncio, receive_asyncio),
    "streams": (serve_streams, receive_streams),
    "executor": (serve_executor, None),
    "threading": (serve_threading, None),
    "plain": (serve_plain, receive_plain),
    "bare": (serve_bare, None),
    "uvloop": (serve_uvloop, receive_uvloop),
    "gevent": (serve_gevent, None),
    "trio": (serve_trio, None),
    "twisted": (serve_twisted, None),
}


def main(name: str, arguments: List[str]) -> None:
    serve, receive = CONTESTANTS[name]
    if arguments[0] == "receive":
        assert receive is not None, name
        receive(arguments[1])
    else:
        serve([Role.parse(*pair) for pair in zip(arguments[::2], arguments[1::2])])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
