"""Bad arguments: each public callable says what is wrong, with a code, from the call itself, and leaves nothing open.

`conftest.py` checks after each test that no descriptor and no thread is left.
"""
import sys
import threading
from ipaddress import ip_address

import pytest

import netcompat
from netcompat import (AbortController, AbortSignal, BlockList, BoundSocket, EventEmitter, EventQueue, OnRead, Server,
                       Socket, SocketAddress, WorkerPool, connect, create_connection, create_server)

NAN, INFINITE = float("nan"), float("inf")
TYPE, VALUE, RANGE, PORT = "ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE", "ERR_OUT_OF_RANGE", "ERR_SOCKET_BAD_PORT"
ADDRESS, IP = "ERR_INVALID_ADDRESS", "ERR_INVALID_IP_ADDRESS"
MISSING, NULL = "ERR_MISSING_ARGS", "ERR_STREAM_NULL_VALUES"
ENCODING = "ERR_UNKNOWN_ENCODING"
ANY = None      # the call may choose among the codes of argument errors

NOT_CALLABLE = [1, "x", b"x", [], {}]
BAD_PORTS = [-1, 65536, 1 << 40, NAN, INFINITE, 1.5, True, False, "", "x", "-1", "65536", " 1", "1 ", b"1", [], {},
             object()]
BAD_MSECS = ["1", b"1", None, [], True]
BAD_NUMBERS = [-1, NAN, INFINITE, -INFINITE]
BAD_TIMEOUTS = [-1, NAN, INFINITE, "1", b"1", True, [], object()]
BAD_TEXT = [1, 1.5, NAN, True, b"x", [], object()]

# (what, call, bad values, code). The call gets each value in its turn.
TABLE = []


def case(name, call, values, code=ANY):
    TABLE.extend((name, call, value, code) for value in values)


def on(make, call):
    """A call of a fresh object, which is closed again."""
    def run(value):
        made = make()
        try:
            return call(made, value)
        finally:
            for name in ("destroy", "close"):
                if hasattr(made, name):
                    getattr(made, name)()
                    break
    return run


UNREADABLE = [] if sys.platform == "win32" else ["\udcff\ud800"]      # names on Windows may be like that

# connect
case("connect(port=)", lambda v: connect(port=v), BAD_PORTS + [None], ANY)
case("connect(host=)", lambda v: connect(port=1, host=v), [1, NAN, True, b"x", [], "a\0b"], ANY)
case("connect(port, host)", lambda v: connect(1, v), [NAN, b"x", [], "a\0b"], ANY)
case("connect()", lambda v: v(), [lambda: connect(), lambda: Socket().connect()], MISSING)
case("connect(dict)", lambda v: connect(v), [{}, {"port": 1}], TYPE)
case("connect(what)", lambda v: connect(v), [-1, 65536, NAN, True, "", b"", [], object()], ANY)
case("connect(path=)", lambda v: connect(path=v), ["", b"", 1, NAN, True, [], object(), "a\0b", b"a\0b"] + UNREADABLE,
     ANY)
case("connect(family=)", lambda v: connect(port=1, family=v), [5, -4, 1 << 40, NAN, 4.0, "4", "IPv5", [4]], ANY)
case("connect(hints=)", lambda v: connect(port=1, hints=v), ["1", NAN, 1.0, True, [1], 1 << 30], ANY)
case("connect(lookup=)", lambda v: connect(port=1, lookup=v), NOT_CALLABLE, TYPE)
case("connect(local_address=)", lambda v: connect(port=1, local_address=v), BAD_TEXT + ["", "x", "a\0b", "1.2.3"], ANY)
case("connect(local_port=)", lambda v: connect(port=1, local_port=v), [-1, 65536, NAN, 1.5, True, "x", b"1", []], ANY)
case("connect(timeout=)", lambda v: connect(port=1, timeout=v), [-1, NAN, INFINITE, "1", b"1", True, []], ANY)
case("connect(keep_alive_initial_delay=)", lambda v: connect(port=1, keep_alive_initial_delay=v),
     BAD_NUMBERS + ["1", []], ANY)
case("connect(auto_select_family=)", lambda v: connect(port=1, auto_select_family=v), [1, "x", 0.0, []], TYPE)
case("connect(attempt timeout)", lambda v: connect(port=1, auto_select_family_attempt_timeout=v),
     [0, -1, NAN, 1.5, "1", True, [], 1 << 40], ANY)
case("connect(block_list=)", lambda v: connect(port=1, block_list=v), [1, "x", [], {}, object()], TYPE)
case("connect(connect_listener=)", lambda v: connect(port=1, connect_listener=v), NOT_CALLABLE, TYPE)
case("connect(port, host, listener)", lambda v: connect(1, "127.0.0.1", v), NOT_CALLABLE, TYPE)
case("connect(signal=)", lambda v: connect(port=1, signal=v), [1, "x", [], AbortController(), threading.Event()], TYPE)

# Socket()
case("Socket(fd=)", lambda v: Socket(fd=v), [-1, 1 << 40, NAN, 1.5, "1", b"1", True, [], 1 << 20], ANY)
case("Socket(handle=)", lambda v: Socket(handle=v), [1, "x", b"x", [], {}, object()], TYPE)
case("Socket(onread=)", lambda v: Socket(onread=v), [1, "x", {}, (bytearray(1), print)], TYPE)
case("Socket(OnRead buffer)", lambda v: Socket(onread=OnRead(v, print)), [1, "x", b"read only", None, []], TYPE)
case("Socket(OnRead callback)", lambda v: Socket(onread=OnRead(bytearray(1), v)), [1, "x", None], TYPE)
case("Socket(high_water_mark=)", lambda v: Socket(high_water_mark=v), [-1, NAN, 1.5, "1", True, []], ANY)
case("Socket(keep_alive_initial_delay=)", lambda v: Socket(keep_alive_initial_delay=v), BAD_NUMBERS + ["1", []], ANY)
case("Socket(type_of_service=)", lambda v: Socket(type_of_service=v), [-1, 256, NAN, 1.5, "1", True, []], ANY)
case("Socket(block_list=)", lambda v: Socket(block_list=v), [1, "x", [], {}], TYPE)
case("Socket(signal=)", lambda v: Socket(signal=v), [1, "x", [], object()], TYPE)
case("Socket(dispatch=)", lambda v: Socket(dispatch=v), NOT_CALLABLE, TYPE)

# methods of Socket
case("write(data)", on(Socket, lambda s, v: s.write(v)), [1, 1.5, NAN, True, [], {}, object()], TYPE)
case("write(None)", on(Socket, lambda s, v: s.write(v)), [None], NULL)
case("write(encoding)", on(Socket, lambda s, v: s.write("x", v)), ["no-such", "rot13", "a\0b"], ANY)
case("write(callback)", on(Socket, lambda s, v: s.write("x", "utf-8", v)), NOT_CALLABLE, TYPE)
case("end(data)", on(Socket, lambda s, v: s.end(v)), [1, 1.5, NAN, True, [], {}, object()], TYPE)
case("end(callback)", on(Socket, lambda s, v: s.end("x", "utf-8", v)), NOT_CALLABLE, TYPE)
case("end(encoding)", on(Socket, lambda s, v: s.end("x", v)), ["no-such"], ANY)
case("set_encoding", on(Socket, lambda s, v: s.set_encoding(v)), ["no-such", "base65", 1, b"utf-8", []], ANY)
case("set_timeout", on(Socket, lambda s, v: s.set_timeout(v)), BAD_MSECS + BAD_NUMBERS + [1 << 40], ANY)
case("set_timeout(callback)", on(Socket, lambda s, v: s.set_timeout(1, v)), NOT_CALLABLE, TYPE)
case("set_keep_alive(delay)", on(Socket, lambda s, v: s.set_keep_alive(True, v)), BAD_NUMBERS + ["1", []], ANY)
case("set_keep_alive(interval)", on(Socket, lambda s, v: s.set_keep_alive(True, 0, v)), BAD_NUMBERS + ["1", []], ANY)
case("set_keep_alive(count)", on(Socket, lambda s, v: s.set_keep_alive(True, 0, 0, v)), BAD_NUMBERS + ["1", []], ANY)
case("set_type_of_service", on(Socket, lambda s, v: s.set_type_of_service(v)), [-1, 256, NAN, 1.5, "1", None, True],
     ANY)
case("destroy(error)", on(Socket, lambda s, v: s.destroy(v)), [1, "x", ValueError, [], object()], TYPE)
case("read(size)", on(Socket, lambda s, v: s.read(v)), [-1, NAN, 1.5, "1", True, [], 1 << 40], ANY)
case("pipe", on(Socket, lambda s, v: s.pipe(v)), [None, 1, "x", object()], TYPE)
case("recv(max_bytes)", on(Socket, lambda s, v: s.recv(v)), [0, -1, NAN, 1.5, "1", None, True], ANY)
case("recv(timeout)", on(Socket, lambda s, v: s.recv(1, v)), BAD_TIMEOUTS, ANY)
case("sendall(data)", on(Socket, lambda s, v: s.sendall(v)), [1, NAN, [], object()], TYPE)
case("sendall(timeout)", on(Socket, lambda s, v: s.sendall(b"x", v)), BAD_TIMEOUTS, ANY)
case("flush(timeout)", on(Socket, lambda s, v: s.flush(v)), BAD_TIMEOUTS, ANY)
case("makefile(mode)", on(Socket, lambda s, v: s.makefile(v)), ["", "x", "a", "r+", "rx"], VALUE)

# EventEmitter
for emitter in (EventEmitter, Socket, Server):
    for method in ("on", "once", "off", "prepend_listener", "prepend_once_listener", "add_listener", "remove_listener"):
        case("{}.{}(event)".format(emitter.__name__, method),
             on(emitter, lambda e, v, method=method: getattr(e, method)(v, print)), [None, 1, b"data", [], True], TYPE)
        case("{}.{}(listener)".format(emitter.__name__, method),
             on(emitter, lambda e, v, method=method: getattr(e, method)("x", v)), NOT_CALLABLE, TYPE)
case("emit", on(EventEmitter, lambda e, v: e.emit(v)), [None, 1, b"x", []], TYPE)
case("set_max_listeners", on(EventEmitter, lambda e, v: e.set_max_listeners(v)), [-1, NAN, 1.5, "1", None, True], ANY)
case("wait_for(event)", on(EventEmitter, lambda e, v: e.wait_for(v, 0)), [None, 1, b"x"], TYPE)
case("wait_for(timeout)", on(EventEmitter, lambda e, v: e.wait_for("x", v)), BAD_TIMEOUTS, ANY)
case("remove_all_listeners", on(EventEmitter, lambda e, v: e.remove_all_listeners(v)), [1, b"x", []], TYPE)

# Server
case("create_server(listener)", lambda v: create_server(v), NOT_CALLABLE, TYPE)
case("create_server(high_water_mark=)", lambda v: create_server(high_water_mark=v), [-1, NAN, 1.5, "1", True, []], ANY)
case("create_server(keep_alive_initial_delay=)", lambda v: create_server(keep_alive_initial_delay=v),
     BAD_NUMBERS + ["1", []], ANY)
case("create_server(block_list=)", lambda v: create_server(block_list=v), [1, "x", [], {}], TYPE)
case("create_server(dispatch=)", lambda v: create_server(dispatch=v), NOT_CALLABLE, TYPE)
case("listen(port=)", on(Server, lambda s, v: s.listen(port=v)), BAD_PORTS, PORT)
case("listen(what)", on(Server, lambda s, v: s.listen(v)), [-1, 65536, NAN, 1.5, True, "", b"", [], {}, object()], ANY)
case("listen(host)", on(Server, lambda s, v: s.listen(port=0, host=v)), BAD_TEXT + ["a\0b"], ANY)
case("listen(path=)", on(Server, lambda s, v: s.listen(path=v)), ["", b"", 1, NAN, [], "a\0b", b"a\0b"] + UNREADABLE,
     ANY)
case("listen(backlog=)", on(Server, lambda s, v: s.listen(port=0, backlog=v)), [-2, 1 << 40, NAN, 1.5, "x", True, []],
     ANY)
case("listen(fd=)", on(Server, lambda s, v: s.listen(fd=v)), [-1, 1 << 40, NAN, 1.5, "1", True, []], ANY)
case("listen(handle=)", on(Server, lambda s, v: s.listen(handle=v)), [1, "x", b"x", [], {}, object()], TYPE)
case("listen(signal=)", on(Server, lambda s, v: s.listen(port=0, signal=v)), [1, "x", [], object()], TYPE)
case("listen(callback=)", on(Server, lambda s, v: s.listen(port=0, callback=v)), NOT_CALLABLE, TYPE)
case("listen(port, host, backlog, callback)", on(Server, lambda s, v: s.listen(0, "127.0.0.1", 5, v)), NOT_CALLABLE,
     TYPE)
case("close(callback)", on(Server, lambda s, v: s.close(v)), NOT_CALLABLE, TYPE)
case("get_connections(callback)", on(Server, lambda s, v: s.get_connections(v)), NOT_CALLABLE, TYPE)
case("accept(timeout)", on(Server, lambda s, v: s.accept(v)), BAD_TIMEOUTS, ANY)
case("Server.shutdown(timeout)", on(Server, lambda s, v: s.shutdown(v)), BAD_TIMEOUTS, ANY)

# addresses
case("BoundSocket(port=)", lambda v: BoundSocket(port=v), BAD_PORTS, PORT)
case("BoundSocket(host=)", lambda v: BoundSocket(host=v), BAD_TEXT + ["", "localhost", "1.2.3", "a\0b"], ANY)
case("BoundSocket(path=)", lambda v: BoundSocket(path=v), ["", b"", 1, NAN, [], "a\0b", b"a\0b"], ANY)
case("SocketAddress(address=)", lambda v: SocketAddress(address=v), BAD_TEXT + ["", "x", "1.2.3", "::1", "a\0b"], ANY)
case("SocketAddress(family=)", lambda v: SocketAddress(address="127.0.0.1", family=v), [4, "ipv5", "", NAN, []], ANY)
case("SocketAddress(port=)", lambda v: SocketAddress(address="127.0.0.1", port=v), [-1, 65536, NAN, 1.5, "x", True, []],
     ANY)
case("SocketAddress(flowlabel=)", lambda v: SocketAddress(address="::1", family="ipv6", flowlabel=v),
     [-1, 1 << 40, NAN, 1.5, "1", True, []], ANY)
case("SocketAddress.parse", SocketAddress.parse, [None, 1, b"127.0.0.1", []], TYPE)
BAD_ADDRESSES = ["", "x", "1.2.3", "1.2.3.4.5", "256.1.1.1", ":::", "a\0b", None, 1, NAN, True, [], b"127.0.0.1"]
for method in ("add_address", "remove_address", "check"):
    case("BlockList." + method, on(BlockList, lambda b, v, method=method: getattr(b, method)(v)), BAD_ADDRESSES, ANY)
    case("BlockList.{}(family)".format(method),
         on(BlockList, lambda b, v, method=method: getattr(b, method)("127.0.0.1", v)),
         ["ipv6", "ipv5", "", 4, NAN, []], ANY)
for method in ("add_range", "remove_range"):
    case("BlockList." + method, on(BlockList, lambda b, v, method=method: getattr(b, method)(v, "127.0.0.1")),
         BAD_ADDRESSES + ["127.0.0.2", "::1"], ANY)
for method in ("add_subnet", "remove_subnet"):
    case("BlockList." + method, on(BlockList, lambda b, v, method=method: getattr(b, method)(v, 8)), BAD_ADDRESSES, ANY)
    case("BlockList.{}(prefix)".format(method),
         on(BlockList, lambda b, v, method=method: getattr(b, method)("10.0.0.0", v)),
         [-1, 33, NAN, 8.5, "8", None, True, []],
         ANY)
for method in ("add_cidr", "remove_cidr"):
    case("BlockList." + method, on(BlockList, lambda b, v, method=method: getattr(b, method)(v)),
         ["", "x", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "/8", None, 1, NAN, []], ANY)
case("BlockList.add_addresses", on(BlockList, lambda b, v: b.add_addresses(v)), [None, 1, ["x"], [None]], ANY)
case("BlockList.add_cidrs", on(BlockList, lambda b, v: b.add_cidrs(v)), [None, 1, ["x"], [None]], ANY)
case("BlockList.from_json", on(BlockList, lambda b, v: b.from_json(v)), [None, 1, "x", ["x"], [1], "[1]"], ANY)

# the rest
case("set_default_auto_select_family", netcompat.set_default_auto_select_family, [None, 1, 0, "x", NAN], TYPE)
case("set_default_auto_select_family_attempt_timeout", netcompat.set_default_auto_select_family_attempt_timeout,
     [0, -1, NAN, 1.5, "1", None, True, 1 << 40], ANY)
case("set_default_high_water_mark", netcompat.set_default_high_water_mark, [-1, NAN, 1.5, "1", None, True], ANY)
case("set_default_dispatch", netcompat.set_default_dispatch, NOT_CALLABLE, TYPE)
case("set_default_workers", netcompat.set_default_workers, [None, 0, -1, NAN, 1.5, "1", True], ANY)
case("shutdown(timeout)", netcompat.shutdown, BAD_TIMEOUTS, ANY)
case("WorkerPool", WorkerPool, [0, -1, NAN, 1.5, "1", True], ANY)
case("WorkerPool(idle_seconds=)", lambda v: WorkerPool(1, idle_seconds=v), [-1, NAN, INFINITE, "1", None, True], ANY)
case("WorkerPool(thread_name_prefix=)", lambda v: WorkerPool(1, thread_name_prefix=v), [None, 1, b"x"], TYPE)
case("WorkerPool.submit", on(lambda: WorkerPool(1), lambda p, v: p.submit(v)), [None] + NOT_CALLABLE, TYPE)
case("EventQueue.put", on(EventQueue, lambda q, v: q.put(v)), [None] + NOT_CALLABLE, TYPE)
case("EventQueue.run_pending", on(EventQueue, lambda q, v: q.run_pending(v)), BAD_TIMEOUTS, ANY)
case("EventQueue.run_until", on(EventQueue, lambda q, v: q.run_until(v)), [None, 1, "x", object()], TYPE)
case("EventQueue.run_until(timeout)", on(EventQueue, lambda q, v: q.run_until(lambda: True, v)), BAD_TIMEOUTS, ANY)
case("AbortSignal.timeout", AbortSignal.timeout, [-1, NAN, 1.5, "1", None, True, 1 << 40], ANY)
case("AbortSignal.any", AbortSignal.any, [None, 1, [1], [None], "x"], TYPE)


def short(value):
    text = repr(value)
    return (text if "object at" not in text and "<" not in text else type(value).__name__)[:30]


@pytest.mark.parametrize("call, value, code", [
    pytest.param(call, value, code, id="{}-{}".format(name, short(value)).encode("ascii", "backslashreplace").decode())
    for name, call, value, code in TABLE])
def test_bad_arguments_are_refused_by_the_call(call, value, code):
    with pytest.raises((TypeError, ValueError, OSError)) as caught:
        call(value)
    given = getattr(caught.value, "code", None)
    assert given is not None, repr(caught.value)
    assert given == code if code is not None else given in (
        TYPE, VALUE, RANGE, PORT, ADDRESS, IP, MISSING, ENCODING, "EBADF", "ERR_INVALID_FD_TYPE"), repr(caught.value)
    assert str(caught.value)


@pytest.mark.parametrize("call", [
    lambda **kw: Socket(**kw), lambda **kw: connect(1, **kw), lambda **kw: create_connection(port=1, **kw),
    lambda **kw: Socket().connect(1, **kw), lambda **kw: Server(**kw), lambda **kw: create_server(**kw),
    lambda **kw: Server().listen(0, **kw), lambda **kw: BoundSocket(**kw), lambda **kw: WorkerPool(**kw),
    lambda **kw: SocketAddress(address="127.0.0.1", **kw), lambda **kw: EventQueue(**kw), lambda **kw: BlockList(**kw),
    lambda **kw: AbortController(**kw), lambda **kw: netcompat.shutdown(**kw), lambda **kw: netcompat.stats(**kw),
    lambda **kw: Socket().write(b"x", **kw), lambda **kw: Socket().set_timeout(1, **kw),
    lambda **kw: Server().close(**kw)])
def test_an_unknown_keyword_is_a_type_error(call):
    with pytest.raises(TypeError, match="no_such_option"):
        call(no_such_option=1)


@pytest.mark.parametrize("call", [
    lambda: connect(1, port=2), lambda: connect(1, "a", host="b"), lambda: connect(1, print, connect_listener=print),
    lambda: Server().listen(0, port=1), lambda: Server().listen(0, "::1", host="::1"),
    lambda: Server().listen(0, print, callback=print), lambda: connect("/p", path="/q"),
    lambda: Server().listen("/p", path="/q")])
def test_an_argument_given_twice_is_a_type_error(call):
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize("value", [None, 1, NAN, "", "x", b"127.0.0.1", [], {}, object(), True, "1.2.3.4\0",
                                   "1.2.3.4\n",
                                   ip_address("127.0.0.1"), "01.2.3.4", "::1%", "1.2.3", "\ud800"], ids=repr)
def test_what_is_no_address_is_just_no_address(value):
    assert netcompat.is_ip(value) == 0
    assert netcompat.is_ipv4(value) is False and netcompat.is_ipv6(value) is False


@pytest.mark.parametrize("value", ["", "x", "127.0.0.1:65536", "::1:80", "[::1]:x", "[127.0.0.1]"])
def test_what_cannot_be_parsed_is_no_address(value):
    assert SocketAddress.parse(value) is None


def test_a_refused_call_of_listen_leaves_the_server_usable():
    server = create_server()
    for bad in ({"port": -1}, {"path": ""}, {"fd": -1}, {"handle": object()}):
        with pytest.raises((TypeError, ValueError)):
            server.listen(**bad)
    assert server.listen(0).listening


def test_a_refused_call_of_connect_leaves_the_socket_usable():
    server = create_server().listen(0, "127.0.0.1")
    sock = Socket()
    for bad in ({"port": -1}, {"path": ""}, {}, {"port": 1, "host": b"x"}):
        with pytest.raises((TypeError, ValueError)):
            sock.connect(**bad)
    assert not sock.connecting and not sock.destroyed
    sock.connect(server.address().port, "127.0.0.1").wait_for("connect", 10)
    sock.destroy()
