"""The load of `bench.py` where there is no C compiler: modes, arguments and output are those of bench_load.c."""
from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import deque
from typing import Any, Deque, Dict, List

BLOCK = b"x" * (1 << 20)
STUCK = 20.0        # seconds without any progress that end the run


def connected(address: str) -> socket.socket:
    if address.isdigit():
        sock = socket.create_connection(("127.0.0.1", int(address)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(address)
    return sock


def begin() -> None:
    print("begin", flush=True)


class Connection:
    """One connection of `echo` or `churn`: what is to be sent, and what has come of the present message."""

    def __init__(self, address: str, selector: selectors.BaseSelector) -> None:
        self.address, self.selector = address, selector
        self.sent_at: Deque[float] = deque()
        self.open()

    def open(self) -> None:
        self.sock = connected(self.address)
        self.sock.setblocking(False)
        self.to_send = self.received = 0
        self.selector.register(self.sock, selectors.EVENT_READ, self)

    def close(self) -> None:
        self.selector.unregister(self.sock)
        self.sock.close()

    def send_some(self) -> None:
        try:
            while self.to_send:
                self.to_send -= self.sock.send(BLOCK[:self.to_send])
        except BlockingIOError:
            pass
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.to_send else 0)
        if self.selector.get_key(self.sock).events != events:
            self.selector.modify(self.sock, events, self)

    def read_some(self) -> int:
        try:
            data = self.sock.recv(len(BLOCK))
        except BlockingIOError:
            return 0
        if not data:
            raise SystemExit("a connection was lost")
        return len(data)


def echo(address: str, count: int, size: int, window: int, warm: float, seconds: float, churn: bool) -> None:
    selector = selectors.DefaultSelector()
    connections = [Connection(address, selector) for _ in range(count)]
    t = moved = began = time.monotonic()
    counting = used = 0.0
    messages = 0
    latencies: List[float] = []
    in_second: Dict[int, int] = {}
    for connection in connections:
        connection.sent_at.extend([t] * window)
        connection.to_send = size * window
        connection.send_some()
    while not counting or t < counting + seconds:
        if not counting and t >= began + warm:
            counting, messages, used = t, 0, time.process_time()
            latencies.clear()
            begin()
        for key, _ in selector.select(0.1):
            connection = key.data
            connection.received += connection.read_some()
            t = time.monotonic()
            while connection.received >= size:
                connection.received -= size
                latencies.append(t - connection.sent_at.popleft())
                connection.sent_at.append(t)
                messages += 1
                moved = t
                second = int(t - counting)
                in_second[second] = in_second.get(second, 0) + 1
                if churn:
                    connection.close()
                    connection.open()
                connection.to_send += size
            connection.send_some()
        t = time.monotonic()
        if t > moved + STUCK:
            raise SystemExit(f"no message in {STUCK} seconds")
    latencies.sort()
    say({"rate": messages / (t - counting), "p50_us": at(latencies, .5), "p99_us": at(latencies, .99),
         "load_cpu": (time.process_time() - used) / (t - counting),
         "in_second": [in_second.get(second, 0) for second in range(round(t - counting))]})


def at(latencies: List[float], share: float) -> float:
    return latencies[int(len(latencies) * share)] * 1e6 if latencies else 0.0


def say(result: Dict[str, Any]) -> None:
    print(json.dumps(result), flush=True)


def idle(address: str, count: int, size: int) -> None:
    held = []
    for _ in range(count):
        sock = connected(address)
        if size:
            sock.sendall(BLOCK[:size])
            got = 0
            while got < size:
                got += len(sock.recv(size - got))
        held.append(sock)
    begin()
    sys.stdin.read()
    say({})


def drink(address: str) -> None:
    import threading
    sock = connected(address)
    begin()

    def read() -> None:
        while sock.recv(len(BLOCK)):
            pass
    threading.Thread(target=read, daemon=True).start()
    sys.stdin.read()
    say({})


def one_way(address: str, bytes_to_send: int) -> None:
    sock = connected(address)
    moved, began = 0, time.monotonic()
    begin()
    while moved < bytes_to_send:
        moved += sock.send(BLOCK[:bytes_to_send - moved])
    if bytes_to_send:
        sock.shutdown(socket.SHUT_WR)
    buffer = bytearray(BLOCK)
    while True:
        count = sock.recv_into(buffer)
        if not count:
            break
        moved += count
    seconds = time.monotonic() - began
    say({"bytes": moved, "rate": moved / seconds, "load_cpu": time.process_time() / seconds})


def main(mode: str, address: str, *numbers: str) -> None:
    if mode == "echo":
        echo(address, *map(int, numbers[:3]), *map(float, numbers[3:]), churn=False)    # type: ignore[misc]
    elif mode == "churn":
        echo(address, *map(int, numbers[:2]), 1, *map(float, numbers[2:]), churn=True)  # type: ignore[misc,arg-type]
    elif mode == "idle":
        idle(address, int(numbers[0]), int(numbers[1]))
    elif mode == "drink":
        drink(address)
    else:
        one_way(address, int(numbers[0]) if mode == "send" else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
