"""Real programs on the other end: nc, socat, curl, openssl and Node, in both directions."""
from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
from typing import Any, List

import netcompat
import pytest
from conftest import script_environment

MEGABYTE = 1 << 20


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def echo(socket: netcompat.Socket) -> None:
    socket.pipe(socket)


@pytest.fixture
def echo_server() -> Any:
    return netcompat.create_server(echo)


def run(command: List[str], data: bytes, timeout: float = 30.0) -> bytes:
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def noise(size: int) -> bytes:
    return random.Random(size).getrandbits(8 * size).to_bytes(size, "big")


def test_nc_gets_its_bytes_back_over_tcp(echo_server: Any) -> None:
    port = echo_server.listen(0, "127.0.0.1").address().port
    data = noise(MEGABYTE)
    assert run([tool("nc"), "-N", "127.0.0.1", str(port)], data) == data


def test_nc_gets_its_bytes_back_over_a_unix_path(echo_server: Any, ipc_path: str) -> None:
    echo_server.listen(ipc_path)
    data = noise(MEGABYTE)
    assert run([tool("nc"), "-N", "-U", ipc_path], data) == data


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux\'")
def test_socat_gets_its_bytes_back_over_an_abstract_name(echo_server: Any) -> None:
    name = f"netcompat-test-{random.getrandbits(64):x}"
    echo_server.listen("\0" + name)
    data = noise(MEGABYTE)
    assert run([tool("socat"), "-t", "10", "-", f"ABSTRACT-CONNECT:{name}"], data) == data


def test_curl_reads_a_page_of_a_handwritten_http_server() -> None:
    def serve(socket: netcompat.Socket) -> None:
        with socket, socket.makefile("rb") as request:
            while request.readline().strip():
                pass
            socket.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    port = netcompat.create_server(serve).listen(0, "127.0.0.1").address().port
    assert run([tool("curl"), "-s", "--noproxy", "*", f"http://127.0.0.1:{port}/"], b"") == b"hello"


def test_openssl_finds_no_tls_here_and_nothing_breaks(echo_server: Any) -> None:
    port = echo_server.listen(0, "127.0.0.1").address().port
    done = subprocess.run([tool("openssl"), "s_client", "-connect", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    assert done.returncode != 0         # its own greeting comes back, which is no server's
    with netcompat.connect(port, "127.0.0.1") as client:
        client.sendall(b"still here")
        assert client.recv(100, timeout=10) == b"still here"


NODE_CLIENT = """
const net = require('net'), crypto = require('crypto');
const [where, megabytes] = [process.argv[2], +process.argv[3]];
const socket = net.connect(/^\\d+$/.test(where) ? { port: +where, host: '127.0.0.1' } : { path: where });
const sent = crypto.createHash('sha256'), got = crypto.createHash('sha256');
let left = megabytes, received = 0;
const more = () => {
  while (left > 0) {
    const chunk = crypto.randomBytes(1 << 20);
    sent.update(chunk);
    left--;
    if (!socket.write(chunk)) return socket.once('drain', more);
  }
  socket.end();
};
socket.on('connect', more);
socket.on('data', (chunk) => {
  got.update(chunk);
  received += chunk.length;
  if (received % 7 === 0) { socket.pause(); setImmediate(() => socket.resume()); }
});
socket.on('end', () => console.log(received, sent.digest('hex') === got.digest('hex')));
"""

NODE_SERVER = """
const net = require('net');
const server = net.createServer((socket) => { socket.pipe(socket); socket.on('end', () => server.close()); });
server.listen(...(process.argv[2] === '0' ? [0, '127.0.0.1'] : [process.argv[2]]),
              () => console.log(JSON.stringify(server.address())));
"""


def test_node_gets_100_megabytes_back(node: str, echo_server: Any, tmp_path: Any) -> None:
    script = tmp_path / "client.js"
    script.write_text(NODE_CLIENT)
    port = echo_server.listen(0, "127.0.0.1").address().port
    output = run([node, str(script), str(port), "100"], b"", timeout=55)
    assert output.split() == [str(100 * MEGABYTE).encode(), b"true"]


def test_node_gets_its_bytes_back_over_a_unix_path(node: str, echo_server: Any, tmp_path: Any, ipc_path: str) -> None:
    script = tmp_path / "client.js"
    script.write_text(NODE_CLIENT)
    echo_server.listen(ipc_path)
    output = run([node, str(script), ipc_path, "20"], b"", timeout=55)
    assert output.split() == [str(20 * MEGABYTE).encode(), b"true"]


def node_echo_server(node: str, script: Any, where: str) -> "subprocess.Popen[str]":
    script.write_text(NODE_SERVER)
    return subprocess.Popen([node, str(script), where], stdout=subprocess.PIPE, universal_newlines=True)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_100_megabytes_through_a_node_server_come_back(kind: str, node: str, tmp_path: Any, ipc_path: str) -> None:
    with node_echo_server(node, tmp_path / "server.js", "0" if kind == "tcp" else ipc_path) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        if kind == "tcp":
            port = int(line.partition('"port":')[2].split("}")[0].split(",")[0])
            client = netcompat.connect(port, "127.0.0.1")
        else:
            client = netcompat.connect(ipc_path)
        sent, got = hashlib.sha256(), hashlib.sha256()
        left = [100]
        block = noise(MEGABYTE)

        def more() -> None:
            while left[0]:
                left[0] -= 1
                sent.update(block)
                if not client.write(block):
                    return
            client.end()

        client.on("connect", more)
        client.on("drain", more)
        client.on("data", got.update)
        client.wait_for("end", 50)
        assert client.bytes_read == client.bytes_written == 100 * MEGABYTE
        assert sent.digest() == got.digest()
        assert server.wait(10) == 0


RESPECTFUL_SENDER = """
import sys, netcompat
port, megabytes = int(sys.argv[1]), int(sys.argv[2])
def resident():
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmHWM"].split()[0])
client = netcompat.connect(port, "127.0.0.1")
client.wait_for("connect", 10)
block = bytes(range(256)) * 4096
before = resident()
left = [megabytes]
def more():
    while left[0]:
        left[0] -= 1
        if not client.write(block):
            return
    client.end()
client.on("drain", more)
more()
client.wait_for("finish", 50)
print(resident() - before)
client.destroy()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_sender_that_respects_write_stays_small_beside_a_slow_receiver(tmp_path: Any) -> None:
    received = []

    def serve(socket: netcompat.Socket) -> None:
        received.append(sum(len(chunk) for chunk in socket))        # straight-line: 64 KiB at a time

    port = netcompat.create_server(serve, high_water_mark=16384).listen(0, "127.0.0.1").address().port
    script = tmp_path / "sender.py"
    script.write_text(RESPECTFUL_SENDER)
    done = subprocess.run([sys.executable, str(script), str(port), "100"], stdout=subprocess.PIPE, timeout=55,
                          env=script_environment())
    assert done.returncode == 0
    assert int(done.stdout) < 64 * 1024     # KiB above its start
