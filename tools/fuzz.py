"""Fuzz every parser: what strangers and mistaken callers may send, mutated from a corpus, against an oracle.

    python3 tools/fuzz.py [--quick] [--seconds S] [--seed N] [--target NAME] [TEXT]

Each target is a function that is given a text and raises AssertionError if the package did something wrong with it:
raised what is not documented, or disagreed with the standard library. The corpus, `tests/data/fuzz/NAME.json`, has what
the mutations start from, and everything that ever failed. `--seconds` is for each target; without it each gets as many
texts as take about a second. A failure is made shorter before it is shown. With TEXT (a Python literal) only that.
"""
from __future__ import annotations

import argparse
import ast
import encodings.aliases
import ipaddress
import json
import random
import socket
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402
from netcompat import BlockList, SocketAddress  # noqa: E402
from netcompat.__main__ import parse_address  # noqa: E402
from netcompat.addresses import parse_ip  # noqa: E402
from netcompat.encodings import decoder, encode, normalize  # noqa: E402
from netcompat.stream import LINK, Duplex  # noqa: E402

CORPUS = Path(__file__).resolve().parent.parent / "tests" / "data" / "fuzz"
TOKENS = ["::", ":", ".", "%", "%eth0", "/", "/0", "/128", "-", "[", "]", "ffff", "::ffff:", "0", "00", "255", "256",
          "65535", "65536", "1" * 40, " ", "\t", "\n", "\0", "=", "٣", "\u2028", "\udcff", "\ud800", "é", "😀",
          "a" * 300,
          "IPv4 ", "IPv6 ", "Subnet: ", "Range: ", "Address: ", "\x80", "\xc3", "\xe2\x82", "\xff\xfe", "\xd8"]

Target = Callable[[str], None]


# ---- oracles ----

def refused(call: Callable[[], Any], *codes: str) -> Optional[str]:
    """The code of the argument error that `call` raises, `None` if it raises none. Other errors are failures."""
    try:
        call()
    except (TypeError, ValueError, OverflowError) as problem:
        code = getattr(problem, "code", None)
        assert code in codes, "raised {!r}".format(problem)
        return str(code)
    return None


def system_version(text: str) -> int:
    """What the C library takes `text` for: 4, 6 or 0."""
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        try:
            socket.inet_pton(family, text)
            return version
        except (OSError, ValueError):
            pass
    return 0


# ---- targets ----

def addresses(text: str) -> None:
    """is_ip and its kin, the text of an address, and BlockList.check."""
    version = netcompat.is_ip(text)
    assert (version == 4, version == 6) == (netcompat.is_ipv4(text), netcompat.is_ipv6(text))
    if "%" not in text:
        assert version == system_version(text), "is_ip says {}, the system {}".format(version, system_version(text))
    found = parse_ip(text)
    assert bool(version) <= bool(found)
    block_list = BlockList()
    block_list.add_subnet("::", 0)
    block_list.add_subnet("0.0.0.0", 0)
    code = refused(lambda: block_list.check(text), "ERR_INVALID_ADDRESS")
    assert (code is None) == (found is not None), "check and parse_ip disagree"
    if found is None:
        return
    assert block_list.check(text), "not in the list of everything"
    family, number = found
    made = SocketAddress(address=text, family=family)
    assert int(ipaddress.ip_address(made.address)) == number
    assert parse_ip(made.address) == found
    alone = BlockList()
    alone.add_address(text)
    assert alone.check(made.address) and alone.check(text)
    if number:
        other = ipaddress.IPv4Address(number - 1) if family == "ipv4" else ipaddress.IPv6Address(number - 1)
        assert not alone.check(other)
    if family == "ipv4":
        assert alone.check("::ffff:" + text) and alone.check("::ffff:{:x}:{:x}".format(number >> 16, number & 0xFFFF))


def socket_addresses(text: str) -> None:
    """SocketAddress.parse."""
    found = SocketAddress.parse(text)
    if found is None:
        return
    assert 0 <= found.port <= 65535 and netcompat.is_ip(found.address) == int(found.family[-1])
    shown = "[{}]:{}" if found.family == "ipv6" else "{}:{}"
    assert SocketAddress.parse(shown.format(found.address, found.port)) == found
    assert set(text) <= set("0123456789abcdefABCDEF:.[]"), "looser than documented"


def cidrs(text: str) -> None:
    """BlockList.add_cidr."""
    block_list = BlockList()
    code = refused(lambda: block_list.add_cidr(text), "ERR_INVALID_ADDRESS", "ERR_INVALID_ARG_VALUE",
                   "ERR_OUT_OF_RANGE")
    assert len(block_list) == (code is None)
    if code is not None:
        return
    net, _, prefix = text.rpartition("/")
    network = ipaddress.ip_network("{}/{}".format(net.partition("%")[0], int(prefix)), strict=False)
    first, last = network.network_address, network.broadcast_address
    assert block_list.check(first) and block_list.check(last)
    kind = type(first)
    if int(first):
        assert not block_list.check(kind(int(first) - 1)) or network.version == 4
    if int(last) < 2 ** network.max_prefixlen - 1:
        assert not block_list.check(kind(int(last) + 1))
    again = BlockList()
    again.from_json(block_list.to_json())
    assert again.rules == block_list.rules
    block_list.remove_cidr(text)
    assert not len(block_list)


def rules(text: str) -> None:
    """BlockList.from_json: the JSON text, and the text of one rule."""
    for data in (text, [text]):
        block_list = BlockList()
        block_list.add_address("1.2.3.4")
        code = refused(lambda: block_list.from_json(data), "ERR_INVALID_ADDRESS", "ERR_INVALID_ARG_VALUE",
                       "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE")
        assert code is None or block_list.rules == ["Address: IPv4 1.2.3.4"], "half of it was added"
        again = BlockList()
        again.from_json(json.dumps(block_list.to_json()))
        assert again.rules == block_list.rules


def command_line(text: str) -> None:
    """The addresses of the command line."""
    for serving in (False, True):
        try:
            place = parse_address(text, serving)
        except argparse.ArgumentTypeError:
            continue
        if "path" in place:
            assert place["path"]
            continue
        assert set(place) <= {"port", "host"} and 0 <= place["port"] <= 65535
        assert ":" not in (place.get("host") or "") or netcompat.is_ipv6(place["host"])


CODECS = sorted({name for name in encodings.aliases.aliases.values()} | {"utf-8", "latin1"})
NODES = ("utf8", "utf16le", "latin1", "ascii", "hex", "base64", "base64url")


def text_encodings(text: str) -> None:
    """Names of encodings, encoding, and decoding in pieces."""
    refused(lambda: normalize(text), "ERR_UNKNOWN_ENCODING")
    rng = random.Random(len(text))
    data = text.encode("utf-8", "surrogatepass")
    for name in NODES:
        encoded = encode(text, name)        # never raises
        in_pieces(encoded, name, rng)
        whole = in_pieces(data, name, rng)
        if name in ("hex", "base64", "base64url", "latin1"):
            assert encode(whole, name) == data, "{} loses bytes".format(name)
    name = rng.choice(CODECS)
    if refused(lambda: normalize(name), "ERR_UNKNOWN_ENCODING") is None:
        in_pieces(data, name, rng)


def in_pieces(data: bytes, name: str, rng: random.Random) -> str:
    """Decoded as a whole, which must be what it gives in pieces."""
    whole = decoder(name).decode(data, True)
    made, place, parts = decoder(name), 0, []
    while place < len(data):
        size = rng.randint(0, 5)
        parts.append(made.decode(data[place:place + size]))
        place += size
    parts.append(made.decode(b"", True))
    # What some of Python's codecs cannot keep for later is replaced, and so depends on the pieces.
    text = "".join(parts)
    assert text == whole or name.startswith("iso2022"), "{} gives {!r}, in pieces {!r}".format(name, whole, text)
    return whole


class Reader(Duplex):
    """A stream whose connection is what it is fed with; its deliveries are made by `turn`."""

    def __init__(self) -> None:
        super().__init__(high_water_mark=16)
        self.items: List[Tuple[Callable[..., Any], Tuple[Any, ...]]] = []
        self._link = LINK[self._link, "attach"]

    def turn(self) -> None:
        while self.items:
            call, args = self.items.pop(0)
            call(*args)

    def _post(self, call: Callable[..., Any], *args: Any) -> None:
        self.items.append((call, args))

    def _running_here(self) -> bool:
        return False

    def _interest_changed(self) -> None:
        pass

    def _send_fin(self) -> None:
        pass

    def _release(self) -> None:
        self._released()

    def take(self, data: bytes) -> None:
        chunk = self._enter(self._feed, data)
        if chunk is not None:
            self._deliver_data(chunk)


def streams(text: str) -> None:
    """What a stream makes of bytes in pieces, while encodings, pauses and reads come in between."""
    rng = random.Random(repr(text))
    data = text.encode("utf-8", "surrogatepass")
    stream, got, ended = Reader(), [], []
    chunk: Any
    # With one encoding from the start the text must be that of the whole; without, the bytes.
    name = rng.choice(("",) + NODES)
    if name:
        stream.set_encoding(name)
    stream.on("end", lambda: ended.append(None)).on("error", ended.append)
    flows = rng.random() < 0.5
    if flows:
        stream.on("data", got.append)
    place = 0
    while place < len(data):
        size = rng.randint(1, 7)
        stream.take(data[place:place + size])
        place += size
        for _ in range(rng.randrange(3)):
            what = rng.randrange(5)
            if what == 0 and flows:
                stream.pause()
            elif what == 1 and flows:
                stream.resume()
            elif what == 2 and not flows:
                chunk = stream.read(rng.choice((None, 1, 2, 3, 50)))
                if chunk is not None:
                    got.append(chunk)
            elif what == 3 and name in ("utf8", "utf16le", "latin1", "ascii") and not flows:
                stream.set_encoding(name)       # again, where a character is a number of bytes: nothing may be lost
            else:
                stream.turn()
    stream.take(b"")
    stream.turn()
    if flows:
        stream.resume()
    while not flows:
        chunk = stream.read()
        if chunk is None:
            break
        got.append(chunk)
    stream.turn()
    expected: Any = decoder(name).decode(data, True) if name else data
    result = expected[:0].join(got)
    assert ended == [None], "it ended {}".format(ended)
    assert result == expected, "{!r}, flows {}: {!r} instead of {!r}".format(name, flows, result, expected)


def arguments(text: str) -> None:
    """Hosts, paths, ports and names of encodings as arguments: refused at once with a code, or accepted."""
    codes = ("ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_TYPE", "ERR_SOCKET_BAD_PORT", "ERR_INVALID_IP_ADDRESS",
             "ERR_MISSING_ARGS", "ERR_OUT_OF_RANGE", "ERR_UNKNOWN_ENCODING")
    from netcompat.connecting import plan_connect
    from netcompat.server import _plan_listen
    for plan in (lambda: plan_connect((text,), {}, None), lambda: plan_connect((1, text), {}, None),
                 lambda: plan_connect((), {"port": text, "host": text}, None),
                 lambda: plan_connect((), {"path": text}, None),
                 lambda: plan_connect((), {"port": 1, "local_address": text}, None),
                 lambda: _plan_listen((text,), {}), lambda: _plan_listen((1, text), {}),
                 lambda: _plan_listen((), {"path": text})):
        refused(plan, *codes)


TARGETS: Dict[str, Target] = {target.__name__: target for target in (
    addresses, socket_addresses, cidrs, rules, command_line, text_encodings, streams, arguments)}


# ---- mutation ----

def load(name: str) -> List[str]:
    return list(json.loads((CORPUS / (name + ".json")).read_text(encoding="ascii")))


def mutated(rng: random.Random, corpus: List[str]) -> str:
    text = rng.choice(corpus)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 0, 1, 1, 2, 8)))
        kind = rng.randrange(6)
        if kind == 0:
            piece = ""
        elif kind == 1:
            piece = rng.choice(TOKENS)
        elif kind == 2:
            piece = chr(rng.choice((rng.randrange(128), rng.randrange(256), rng.randrange(0x11000))))
        elif kind == 3:
            piece = text[start:end] * rng.randrange(2, 5)
        elif kind == 4:
            other = rng.choice(corpus)
            piece = other[rng.randint(0, len(other)):]
        else:
            piece = text[start:end].swapcase()
        text = text[:start] + piece + text[end:]
    return text[:2000]


def problem_with(target: Target, text: str) -> Optional[BaseException]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")         # some codecs warn of what they decode
            target(text)
    except Exception as problem:
        return problem
    return None


def shorter(target: Target, text: str, kind: Type[BaseException]) -> str:
    """As much of `text` as makes the same kind of failure."""
    size = max(len(text) // 2, 1)
    while size:
        place = 0
        while place < len(text):
            attempt = text[:place] + text[place + size:]
            if type(problem_with(target, attempt)) is kind:
                text = attempt
            else:
                place += size
        size //= 2
    return text


def fuzz(name: str, seed: int, seconds: Optional[float] = None, count: int = 0) -> Tuple[int, Optional[str]]:
    """How many texts were tried, the corpus first, and the first one that failed."""
    target, corpus, rng = TARGETS[name], load(name), random.Random("{} {}".format(name, seed))
    deadline = None if seconds is None else time.monotonic() + seconds
    tried = 0
    while tried < max(count, len(corpus)) if deadline is None else time.monotonic() < deadline or tried < len(corpus):
        text = corpus[tried] if tried < len(corpus) else mutated(rng, corpus)
        tried += 1
        problem = problem_with(target, text)
        if problem is not None:
            text = shorter(target, text, type(problem))
            print("{}: {!a}: {!r}".format(name, text, problem_with(target, text)))
            return tried, text
    return tried, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="half a second for each target")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each target")
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("text", nargs="?", help="a Python literal: only this, for each target")
    options = parser.parse_args()
    failed = False
    seed = options.seed if options.seed is not None else random.randrange(1 << 31)
    for name in options.target or TARGETS:
        if options.text is not None:
            problem = problem_with(TARGETS[name], ast.literal_eval(options.text))
            print("{}: {!r}".format(name, problem))
            failed = failed or problem is not None
            continue
        tried, text = fuzz(name, seed, 0.5 if options.quick else options.seconds)
        print("{:18} seed {}: {} texts, {}".format(name, seed, tried, "no failure" if text is None else "FAILED"))
        failed = failed or text is not None
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
