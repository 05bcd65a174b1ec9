"""What the cases on netcompat's side share: one line of JSON for each thing that happened.

The helpers are those of prelude.js, under PEP 8 names, and print the same vocabulary: ports and temporary paths are
named, not printed. tools/conformance.py runs both sides and compares. To run one case by hand:
PYTHONPATH=.:tests/conformance python3 tests/conformance/cases/NAME.py
"""
import faulthandler
import hashlib
import json
import os
import re
import sys
import tempfile
import threading

import netcompat as net

__all__ = ["attempt", "blackhole", "call_port", "cb", "ends", "later", "listen", "log", "net", "pair", "props",
           "receive", "tmp", "until", "watch"]

SOCKET_EVENTS = "connect end finish timeout error close"
SERVER_EVENTS = "listening drop error close"
TEMPORARY = os.environ.get("CONFORMANCE_TMP") or tempfile.mkdtemp(prefix="conformance-")

_output = threading.Lock()      # one line at a time
_names = {}                     # id of an object: (the name that watch() gave it, the object)
_ports = {}                     # port number: what it is called in the trace

if os.environ.get("CONFORMANCE_LIMIT"):
    faulthandler.dump_traceback_later(float(os.environ["CONFORMANCE_LIMIT"]) * 0.9)
if os.environ.get("CONFORMANCE_SWITCH"):
    sys.setswitchinterval(float(os.environ["CONFORMANCE_SWITCH"]))


def _text(value):
    value = value.replace(TEMPORARY, "<tmp>")
    for number, name in list(_ports.items()):
        value = value.replace(f":{number}", f":<{name}>")
    return re.sub(r":\d{5}\b", ":<port>", value)


def _fault(error):
    if getattr(error, "errors", None):
        return {"code": error.code, "errors": [_fault(each) for each in error.errors]}
    if getattr(error, "syscall", None):
        return {"code": error.code, "syscall": error.syscall, "message": _text(str(error))}
    code = getattr(error, "code", None)
    return {"code": code} if code else {"message": _text(str(error))}


def _fields(value):
    """An object's public fields, or None if it is not a plain record."""
    if isinstance(value, dict):
        return value
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, net.SocketAddress):
        return {name: getattr(value, name) for name in ("address", "family", "flowlabel", "port")}
    if isinstance(value, net.DropInfo):
        return {f"{side}_{name}": getattr(value, f"{side}_{name}")
                for side in ("local", "remote") for name in ("address", "port", "family")}
    return None


def _plain(value, key=""):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and key.endswith("port") and value > 1023:
        return f"<{_ports.get(value, 'port')}>"
    if isinstance(value, int):
        return f"<{_ports[value]}>" if value in _ports else value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value
    if id(value) in _names:
        return "@" + _names[id(value)][0]
    if isinstance(value, BaseException):
        return {"error": _fault(value)}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": bytes(value).decode("latin-1")}
    fields = _fields(value)
    if fields is not None:
        return {name: _plain(each, name) for name, each in fields.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return "<function>" if callable(value) else repr(value)


def log(who, what, *args):
    """One line of the trace."""
    line = json.dumps({"who": who, "what": what, "args": [_plain(value) for value in args]}) + "\n"
    with _output:
        rest = line.encode()
        while rest:
            rest = rest[os.write(1, rest):]


def _logger(who, event):
    return lambda *args: log(who, event, *args)


def watch(who, emitter, more=""):
    """Log an emitter's events from now on: the usual ones and those in `more`."""
    _names[id(emitter)] = (who, emitter)
    usual = (SERVER_EVENTS if isinstance(emitter, net.Server)
             else SOCKET_EVENTS if isinstance(emitter, net.Socket) else "")
    for event in f"{usual} {more}".split():
        emitter.on(event, _logger(who, event))
    return emitter


def props(who, thing, names):
    """Log properties as they are at this moment."""
    log(who, "props", {name: _plain(getattr(thing, name), name) for name in names.split()})


def attempt(who, what, call):
    """Log what a call returns, or the error that it raises."""
    try:
        result = call()
    except Exception as error:
        log(who, what, "raises", _fault(error))
        return None
    log(who, what, "returns", result)
    return result


def cb(who, what):
    """A callback that logs its arguments."""
    return lambda *args: log(who, what, *args)


def call_port(number, name):
    """Name a port, for the trace."""
    _ports[number] = name
    return number


def listen(server, *more):
    """Let `server` listen on the loopback; the decorated body(port) runs when it does, among its listeners."""
    def decorate(body):
        watch("server", server)
        server.listen(0, *(more or ("127.0.0.1",)), lambda: body(call_port(server.address().port, "server")))
        return body
    return decorate


def pair(server=None, client=None, events="", keep=False):
    """Run the decorated body(client, peer, server) on a connected pair, among the client's listeners.

    The server stops listening then, unless `keep` is set.
    """
    def decorate(body):
        listener = net.create_server(**(server or {}))
        arrived = threading.Event()
        peers = []

        @listener.on("connection")
        def connection(peer):
            if peers:
                peer.resume().on("error", lambda error: None)
                return
            peers.append(watch("peer", peer, events))
            arrived.set()

        @listen(listener)
        def listening(port):
            socket = watch("client", net.connect(**dict({"port": port, "host": "127.0.0.1"}, **(client or {}))), events)

            @socket.on("ready")
            def ready():
                arrived.wait()
                if not keep:
                    listener.close()
                body(socket, peers[0], listener)
        return body
    return decorate


def ends(peer=None, client=None, server_options=None, client_options=None, events=""):
    """A pair whose two ends know nothing of each other: peer(peer) and client(client) are called first of all.

    The two may run in programs of their own, one of them in the other language (CONFORMANCE_ROLE).
    """
    role = os.environ.get("CONFORMANCE_ROLE")

    def start(port):
        socket = watch("client", net.Socket(**(client_options or {})), events)
        prepared = threading.Event()

        def lookup(host, **options):
            prepared.wait()         # in Node nothing happens before client() has returned
            return "127.0.0.1"

        socket.connect(port, "localhost", lookup=lookup)
        if client:
            client(socket)
        prepared.set()

    if role == "client":
        start(call_port(int(os.environ["CONFORMANCE_PORT"]), "server"))
        return
    listener = net.create_server(**(server_options or {}))

    @listener.on("connection")
    def connection(socket):
        listener.close()
        watch("peer", socket, events)
        if peer:
            peer(socket)

    @listen(listener)
    def listening(port):
        if role != "server":
            start(port)
            return
        with open(tmp("port.new"), "w") as file:
            file.write(str(port))
        os.replace(tmp("port.new"), tmp("port"))


def receive(who, socket):
    """Read everything and log how much it was, and its hash, at the end."""
    digest = hashlib.sha1()
    total = [0]

    @socket.on("data")
    def data(chunk):
        digest.update(chunk)
        total[0] += len(chunk)

    socket.on("end", lambda: log(who, "received", total[0], digest.hexdigest()[:12]))


def later(milliseconds, body=None):
    """A timer: for time-outs, and for seeing that nothing happens; never to wait for something. Also a decorator."""
    if body is None:
        return lambda decorated: later(milliseconds, decorated)
    timer = threading.Timer(milliseconds / 1000, body)
    timer.daemon = False        # as in Node, a timer keeps the program alive
    timer.start()
    return timer


def until(reached, body=None):
    """Wait for a state that no event tells of. Also a decorator."""
    if body is None:
        return lambda decorated: until(reached, decorated)
    return later(5, lambda: body() if reached() else until(reached, body))


def tmp(name):
    """A path in the case's own folder."""
    return os.path.join(TEMPORARY, name)


def blackhole():
    """A port on which connects to 127.0.0.2 hang (the case says `needs: blackhole`)."""
    return call_port(int(os.environ["CONFORMANCE_BLACKHOLE"]), "blackhole")
