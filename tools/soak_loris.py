"""What thousands of silent connections cost the others: the measurement of `tools/soak.py --loris`.

A server answers lines. Honest clients send a line and wait for the answer, as fast as they can; *slow-loris* clients
send one byte of a line every few seconds and never finish it. Server, honest and slow clients are processes of their
own. What counts is the honest clients' throughput beside the slow ones against that without them, in turns.
"""
from __future__ import annotations

import selectors
import socket
import statistics
import subprocess
import sys
import time
from typing import List

ROUNDS = 6
GOAL = 0.8              # of their throughput, which the honest are to keep
LINE = b"x" * 63 + b"\n"
PERIOD = 5.0            # seconds in which each slow client sends one byte

SERVER = """
import sys, netcompat
def on_connection(sock):
    rest = b''
    def on_data(chunk):
        nonlocal rest
        *lines, rest = (rest + chunk).split(b'\\n')
        if lines:
            sock.write(b''.join(line + b'\\n' for line in lines))
    sock.on('data', on_data)
    sock.on('error', lambda problem: None)
server = netcompat.create_server(on_connection).listen(0, '127.0.0.1')
print(server.address().port, flush=True)
sys.stdin.read()
netcompat.shutdown()
"""


def honest(port: int, count: int, seconds: float) -> None:
    """Ping-pong on `count` connections; prints how many lines came back."""
    selector = selectors.DefaultSelector()
    for _ in range(count):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.sendall(LINE)
        selector.register(sock, selectors.EVENT_READ)
    answers = 0
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        for key, _ in selector.select(0.1):
            if len(key.fileobj.recv(4096)) != len(LINE):        # type: ignore[union-attr]
                sys.exit("a torn or missing answer")
            answers += 1
            key.fileobj.sendall(LINE)                           # type: ignore[union-attr]
    print(answers / (time.monotonic() - begun))


def slow(port: int, count: int) -> None:
    """One byte on each of `count` connections every few seconds, until standard input ends."""
    socks: List[socket.socket] = []
    for _ in range(count):
        socks.append(socket.create_connection(("127.0.0.1", port)))
    print("ready", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    begun, sent = time.monotonic(), 0
    while not selector.select(0.02):
        due = int((time.monotonic() - begun) / PERIOD * count)
        for number in range(sent, due):
            socks[number % count].send(b"x")
        sent = due


def measure_loris(lorises: int, honest_clients: int, seconds: float, rounds: int = ROUNDS) -> float:
    """Prints and returns the share of the throughput that is left: the median of the rounds."""
    def start(*command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen([sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                universal_newlines=True)

    def stop(process: "subprocess.Popen[str]") -> None:
        process.communicate()

    def throughput() -> float:
        process = start(__file__, "honest", str(port), str(honest_clients), str(seconds / rounds / 2))
        return float(process.communicate()[0])

    server = start("-c", SERVER)
    assert server.stdout is not None
    port = int(server.stdout.readline())
    ratios = []
    for number in range(rounds):
        alone = throughput()
        lorises_at_work = start(__file__, "slow", str(port), str(lorises))
        assert lorises_at_work.stdout is not None
        lorises_at_work.stdout.readline()
        beside = throughput()
        stop(lorises_at_work)
        ratios.append(beside / alone)
        print("round {}: {} honest clients alone {:.0f} lines/s, beside {} slow ones {:.0f} lines/s: {:.2f}".format(
            number + 1, honest_clients, alone, lorises, beside, ratios[-1]), flush=True)
    stop(server)
    ratio = statistics.median(ratios)
    print("the honest keep {:.0%} of their throughput (the median of {} rounds; at least {:.0%} is wanted)".format(
        ratio, rounds, GOAL))
    return ratio


if __name__ == "__main__":
    kind, *numbers = sys.argv[1:]
    if kind == "honest":
        honest(int(numbers[0]), int(numbers[1]), float(numbers[2]))
    else:
        slow(int(numbers[0]), int(numbers[1]))
