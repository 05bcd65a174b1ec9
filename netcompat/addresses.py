"""IP addresses as text and as numbers: `is_ip`, `SocketAddress`, and the tuples in which addresses are handed out.

Everything is decided here and not by the system's `inet_pton`, which differs between systems and from Node.
"""
from __future__ import annotations

import ipaddress
import re
import socket
from functools import total_ordering
from typing import Any, Dict, NamedTuple, Optional, Tuple, Union

from .errors import error, invalid_type, invalid_value, out_of_range

__all__ = ["AddressInfo", "DropInfo", "SocketAddress", "is_ip", "is_ipv4", "is_ipv6"]


class AddressInfo(NamedTuple):
    """What `address()` of a server or a socket returns: Node's `{ address, family, port }`.

    `family` is 'IPv4' or 'IPv6'. All three are `None` for a socket that was never connected.
    """

    address: Optional[str]
    family: Optional[str]
    port: Optional[int]


class DropInfo(NamedTuple):
    """What a server's `'drop'` tells of the connection that it refused; families are 'IPv4' or 'IPv6'."""

    local_address: Optional[str]
    local_port: Optional[int]
    local_family: Optional[str]
    remote_address: Optional[str]
    remote_port: Optional[int]
    remote_family: Optional[str]


# --- text and numbers ---------------------------------------------------------------------------------------------

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV6_CHARACTERS = re.compile("[0-9A-Fa-f:.]{2,45}")
_ZONE = re.compile("[0-9A-Za-z.:-]+")
# ::ffff:0:0, where IPv6 keeps the IPv4 addresses.
MAPPED = 0xFFFF << 32


def ipv4_number(text: str) -> Optional[int]:
    """The 32-bit number of a dotted IPv4 address, or `None`; no leading zeros, no short forms."""
    if _IPV4.fullmatch(text) is None:
        return None
    return int.from_bytes(socket.inet_aton(text), "big")


def ipv6_number(text: str) -> Optional[int]:
    """The 128-bit number of an IPv6 address without zone, or `None`."""
    if _IPV6_CHARACTERS.fullmatch(text) is None:
        return None
    head, gap, tail = text.partition("::")
    high = head.split(":") if head else []
    low = tail.split(":") if tail else []
    end = low if gap else high
    if end and "." in end[-1]:
        quad = ipv4_number(end.pop())
        if quad is None:
            return None
        end += [f"{quad >> 16:x}", f"{quad & 0xFFFF:x}"]
    missing = 8 - len(high) - len(low)
    if missing < 1 if gap else missing != 0:
        return None
    number = 0
    for word in high + ["0"] * missing + low:
        if not 1 <= len(word) <= 4 or "." in word:
            return None
        number = number << 16 | int(word, 16)
    return number


def parse_ip(text: str) -> Optional[Tuple[str, int]]:
    """`('ipv4', number)` or `('ipv6', number)`, or `None` if `text` is neither.

    A zone ('fe80::1%eth0') is allowed and ignored, whatever it looks like: the names of interfaces are free.
    """
    if ":" in text:
        number = ipv6_number(text.partition("%")[0])
        return None if number is None else ("ipv6", number)
    number = ipv4_number(text)
    return None if number is None else ("ipv4", number)


def ip_text(family: str, number: int) -> str:
    """The canonical text of an address: lower case, zeros shortened, IPv4 inside IPv6 dotted."""
    if family == "ipv4":
        return socket.inet_ntoa(number.to_bytes(4, "big"))
    prefix, low = number >> 32, number & 0xFFFFFFFF
    if prefix == 0xFFFF or (prefix == 0 and low > 0xFFFF):
        return f"::{'ffff:' if prefix else ''}{ip_text('ipv4', low)}"
    return ipaddress.IPv6Address(number).compressed


def is_ipv4(text: object) -> bool:
    """Whether `text` is a dotted IPv4 address. Node's `net.isIPv4`, but only a `str` can be one."""
    return isinstance(text, str) and _IPV4.fullmatch(text) is not None


def is_ipv6(text: object) -> bool:
    """Whether `text` is an IPv6 address, with or without a zone. Node's `net.isIPv6`, but only a `str` can be one.

    As in Node a zone consists of ASCII letters, digits and '.:-' here.
    """
    if not isinstance(text, str) or ":" not in text:
        return False
    address, percent, zone = text.partition("%")
    return ipv6_number(address) is not None and (not percent or _ZONE.fullmatch(zone) is not None)


def is_ip(text: object) -> int:
    """4 or 6, the version of the address that `text` is, or 0. Node's `net.isIP`, but only a `str` can be one."""
    return 4 if is_ipv4(text) else 6 if is_ipv6(text) else 0


# --- checked arguments --------------------------------------------------------------------------------------------

_PORT = re.compile("[0-9]+")


def check_port(port: object, name: str = "port") -> int:
    """`port` as an `int` from 0 to 65535, given as that or as ASCII digits; else `ERR_SOCKET_BAD_PORT`."""
    number: object = port
    if isinstance(port, str) and _PORT.fullmatch(port) is not None and len(port) <= 20:
        number = int(port)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 65535:
        raise error("ERR_SOCKET_BAD_PORT", name=name, received=port)
    return number


def check_family(family: object, name: str = "family") -> str:
    """'ipv4' or 'ipv6', given in any case; else `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE`."""
    if not isinstance(family, str):
        raise invalid_type(name, "str", family)
    lower = family.lower()
    if lower not in ("ipv4", "ipv6"):
        raise invalid_value(name, "must be 'ipv4' or 'ipv6'", family)
    return lower


# --- SocketAddress ------------------------------------------------------------------------------------------------

_WITH_PORT = re.compile(r"(?:\[(?P<ipv6>[^]]*)]|(?P<ipv4>[^:]*))(?::(?P<port>[0-9]{1,5}))?")


@total_ordering
class SocketAddress:
    """An address, a port and, for IPv6, a flow label: Node's `net.SocketAddress`. Immutable, hashable, sortable.

    `address`: an IP address of `family` (default: '127.0.0.1' or '::'); it is kept in its canonical form, without
    zone. `family`: 'ipv4' or 'ipv6', in any case. `flowlabel`: 0 to 0xFFFFF, always 0 for IPv4. `port`: 0 to 65535.

    Raises `ERR_INVALID_ADDRESS`, `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` (the family),
    `ERR_SOCKET_BAD_PORT`, `ERR_OUT_OF_RANGE` (the flow label).
    """

    __slots__ = ("_key",)
    _key: Tuple[str, int, int, int]

    def __init__(self, *, address: Optional[str] = None, family: str = "ipv4", flowlabel: int = 0,
                 port: Union[int, str] = 0) -> None:
        family = check_family(family)
        if address is None:
            address = "127.0.0.1" if family == "ipv4" else "::"
        elif not isinstance(address, str):
            raise invalid_type("address", "str", address)
        port = check_port(port)
        if not isinstance(flowlabel, int) or isinstance(flowlabel, bool):
            raise invalid_type("flowlabel", "int", flowlabel)
        if not 0 <= flowlabel <= 0xFFFFF:
            raise out_of_range("flowlabel", ">= 0 and <= 1048575", flowlabel)
        found = parse_ip(address)
        if found is None or found[0] != family:
            raise error("ERR_INVALID_ADDRESS", received=address)
        key = (family, found[1], port, flowlabel if family == "ipv6" else 0)
        object.__setattr__(self, "_key", key)

    @property
    def address(self) -> str:
        """The canonical text of the IP address."""
        return ip_text(self._key[0], self._key[1])

    @property
    def family(self) -> str:
        """'ipv4' or 'ipv6'."""
        return self._key[0]

    @property
    def port(self) -> int:
        """The port, 0 to 65535."""
        return self._key[2]

    @property
    def flowlabel(self) -> int:
        """The IPv6 flow label, 0 to 0xFFFFF."""
        return self._key[3]

    @staticmethod
    def parse(text: str) -> Optional[SocketAddress]:
        """Read 'ip4', 'ip4:port', '[ip6]' or '[ip6]:port'; `None` for anything else.

        Node's `SocketAddress.parse`, but stricter: what only a URL parser takes for an address ('0x7f.1', '1.2.3',
        'user@1.2.3.4/path') is refused, and port 80 is not lost. Raises `ERR_INVALID_ARG_TYPE` for no `str`.
        """
        if not isinstance(text, str):
            raise invalid_type("text", "str", text)
        match = _WITH_PORT.fullmatch(text)
        if match is None:
            return None
        family = "ipv4" if match["ipv6"] is None else "ipv6"
        number = ipv4_number(match["ipv4"]) if family == "ipv4" else ipv6_number(match["ipv6"])
        port = int(match["port"] or 0)
        if number is None or port > 65535:
            return None
        return SocketAddress(address=ip_text(family, number), family=family, port=port)

    @staticmethod
    def is_socket_address(value: object) -> bool:
        """Whether `value` is a `SocketAddress`. Node's `SocketAddress.isSocketAddress`."""
        return isinstance(value, SocketAddress)

    def to_json(self) -> Dict[str, Any]:
        """`{'address': …, 'port': …, 'family': …, 'flowlabel': …}`, ready for `json.dumps`. Node's `toJSON`."""
        return {"address": self.address, "port": self.port, "family": self.family, "flowlabel": self.flowlabel}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a SocketAddress cannot be changed ({name})")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a SocketAddress cannot be changed ({name})")

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, SocketAddress) else NotImplemented

    def __lt__(self, other: object) -> bool:
        return self._key < other._key if isinstance(other, SocketAddress) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in self.to_json().items())
        return f"SocketAddress({members})"

    def __reduce__(self) -> Tuple[Any, ...]:
        return _restored, (self.address, self.family, self.flowlabel, self.port)


def _restored(address: str, family: str, flowlabel: int, port: int) -> SocketAddress:
    return SocketAddress(address=address, family=family, flowlabel=flowlabel, port=port)
