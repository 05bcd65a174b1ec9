"""Right and wrong uses of the public types. `tools/check_types.py` sees to it that mypy flags exactly the lines that
end in `# wrong`. Nothing here is run."""
from __future__ import annotations

import socketserver
from typing import Optional

import netcompat


def on_chunk(chunk: bytes) -> None: ...


def on_text(chunk: str) -> None: ...


def on_error(error: Exception) -> None: ...


def on_close(had_error: bool) -> None: ...


def nothing() -> None: ...


def two(first: int, second: int) -> None: ...


def on_connection(socket: netcompat.Socket) -> None: ...


def on_drop(data: Optional[netcompat.DropInfo]) -> None: ...


def on_attempt(address: str, port: int, family: int) -> None: ...


socket = netcompat.Socket(allow_half_open=True, no_delay=True)
socket.on("data", on_chunk)
socket.on("data", on_text)
socket.on("data", lambda chunk: print(len(chunk)))
socket.on("data", nothing)                          # wrong
socket.on("data", two)                              # wrong
socket.on("error", on_error)
socket.on("error", lambda error: print(error.args))
socket.on("error", on_chunk)                        # wrong
socket.on("close", on_close)
socket.on("close", nothing)                         # wrong
socket.on("connect", nothing)
socket.on("connect", on_chunk)                      # wrong
socket.on("connectoin", nothing)                    # wrong
socket.on("connectionAttempt", on_attempt)
socket.on("connectionAttempt", nothing)             # wrong
socket.once("drain", nothing).on("end", nothing).on("finish", nothing)
socket.prepend_listener("timeout", on_error)        # wrong


@socket.on("data")
def decorated(chunk: bytes) -> None: ...


socket.write("text", "utf-8", lambda error: None)
socket.write(b"bytes")
socket.write(bytearray(3), callback=print)
socket.write(17)                                    # wrong
socket.write(None)                                  # wrong
socket.set_timeout("soon")                          # wrong
socket.pause().resume().set_encoding("hex").unref()
address: netcompat.AddressInfo = socket.address()
text: str = socket.recv(10)                         # wrong
data: bytes = socket.recv(10, timeout=1.5)
for piece in socket:
    on_chunk(piece)
socket.allow_half_open = False
netcompat.Socket(allow_half_opne=True)              # wrong

server = netcompat.create_server(on_connection, no_delay=True)
netcompat.create_server(on_chunk)                   # wrong
server.on("connection", on_connection)
server.on("connection", on_chunk)                   # wrong
server.on("drop", on_drop)
server.on("listening", nothing)
server.on("data", on_chunk)                         # wrong
server.max_connections = "many"                     # wrong
count: int = server.get_connections()
accepted: netcompat.Socket = server.accept(timeout=2)
for connection in server:
    connection.end(b"bye", callback=print)

controller = netcompat.AbortController()
controller.signal.on("abort", lambda signal: print(signal.reason))
controller.signal.on("aborted", nothing)            # wrong

rules = netcompat.BlockList()
rules.add_subnet("10.0.0.0", 8)
blocked: bool = "10.1.2.3" in rules
rules.check(3.5)                                    # wrong

netcompat.create_server(netcompat.request_handler(socketserver.StreamRequestHandler))
netcompat.request_handler("Handler")                # wrong

queue = netcompat.EventQueue()
netcompat.connect(80, dispatch=queue.put)
queue.put(17)                                       # wrong
