"""`BlockList`: rules about IP addresses, and a check whose cost grows with the logarithm of their number.

All addresses lie on one line of 128-bit numbers: an IPv4 address stands where IPv6 keeps it, at ::ffff:0:0/96. So each
rule is one interval, a rule of either family holds for both spellings of an address, and one table serves all checks:
the intervals sorted and merged, searched by bisection.

How it is thread-safe. Changes go through the gate, one at a time; it guards the rules and what the next table is made
from. A call that a signal handler or a finalizer makes in the middle of a change is done on the way out. A table never
changes once it is published, so a check that finds a valid one takes no lock; one that finds none makes the next one
inside the gate. Adding many rules therefore costs one sort at the next check, and adding one rule to many a splice.
"""
from __future__ import annotations

import itertools
import json
import os
import re
from bisect import bisect_left, bisect_right
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, Union

from .addresses import MAPPED, SocketAddress, check_family, ip_text, parse_ip
from .errors import error, invalid_type, invalid_value, out_of_range
from .runtime.gate import Gate

__all__ = ["BlockList"]

Address = Union[str, SocketAddress, IPv4Address, IPv6Address]
Network = Union[IPv4Network, IPv6Network]
# kind, family, and the interval on the line. Two rules with the same key are the same rule.
_Key = Tuple[str, str, int, int]
# the order of adding, and the number that was given as the address, the start or the net.
_Entry = Tuple[int, int]

_BITS = {"ipv4": 32, "ipv6": 128}
_NAMES = {"ipv4": "IPv4", "ipv6": "IPv6"}
_ORDER = itertools.count()
_RULE = re.compile(r"(?:(?P<address>Address)|(?P<range>Range)|(?P<subnet>Subnet)): (?P<family>IPv[46]) (?P<rest>\S+)")
# More new rules than this are sorted in with all others instead of spliced in one by one.
_SPLICES = 64


class _Table:
    """Sorted, disjoint intervals, never changed."""

    __slots__ = ("starts", "ends")

    def __init__(self, starts: List[int], ends: List[int]) -> None:
        self.starts = starts
        self.ends = ends

    def covers(self, number: int) -> bool:
        """Whether `number` lies in one of the intervals: one bisection and one comparison."""
        place = bisect_right(self.starts, number)
        return place > 0 and number <= self.ends[place - 1]

    @classmethod
    def of(cls, keys: Iterable[_Key]) -> _Table:
        """Sort and merge the intervals of rules."""
        starts: List[int] = []
        ends: List[int] = []
        last = -2
        for low, high in sorted([key[2:] for key in keys]):
            if low > last + 1:
                starts.append(low)
                ends.append(high)
                last = high
            elif high > last:
                ends[-1] = last = high
        return cls(starts, ends)

    def plus(self, keys: Iterable[_Key]) -> _Table:
        """A table with a few more rules, each spliced in where it belongs."""
        starts, ends = self.starts.copy(), self.ends.copy()
        for _, _, low, high in keys:
            first = bisect_left(ends, low - 1)
            beyond = bisect_right(starts, high + 1)
            if first < beyond:          # it touches these: one interval takes their place
                low, high = min(low, starts[first]), max(high, ends[beyond - 1])
            starts[first:beyond] = [low]
            ends[first:beyond] = [high]
        return _Table(starts, ends)


class BlockList(Gate):
    """Addresses, ranges and subnets that servers and sockets refuse: Node's `net.BlockList`.

    Wherever an address is wanted, a `str`, a `SocketAddress` and an `ipaddress` object will do; where a network is
    wanted, an `ipaddress` network too. `family` ('ipv4' or 'ipv6', in any case) is read off the address; one that is
    given must fit. A zone ('%eth0') is ignored: the rule holds in every zone.

    Errors, everywhere: `ERR_INVALID_ADDRESS` for a text that is no address or not of `family`, `ERR_INVALID_ARG_TYPE`,
    and `ERR_INVALID_ARG_VALUE` for an unknown family. Where several rules are added at once, either all or none are.

    `address in block_list` is `check`, `len(block_list)` is `size`. Copies and pickles have the rules of the moment.
    """

    __slots__ = ("_rules", "_table", "_last", "_added", "_pid")

    PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128", "169.254.0.0/16",
                      "fe80::/10", "fc00::/7")
    """Private, loopback and link-local networks, for `add_cidrs`. Node's `BlockList.PRIVATE_RANGES`."""

    def __init__(self) -> None:
        super().__init__()
        self._rules: Dict[_Key, _Entry] = {}
        self._table: Optional[_Table] = _Table([], [])  # knows all rules; None: out of date
        self._last = _Table([], [])                     # the last table that was made ...
        self._added: Optional[List[_Key]] = []          # ... and what came since; None: make it from all rules
        self._pid = os.getpid()                         # the process whose threads know the lock

    # --- adding -------------------------------------------------------------------------------------------------

    def add_address(self, address: Address, family: Optional[str] = None) -> None:
        """Block one address. Node's `addAddress`."""
        self._add([_address_rule(address, family)])

    def add_addresses(self, addresses: Iterable[Address], family: Optional[str] = None) -> None:
        """Block many addresses at once. Node's `addAddresses`."""
        self._add([_address_rule(address, family) for address in _several("addresses", addresses)])

    def add_range(self, start: Address, end: Address, family: Optional[str] = None) -> None:
        """Block all addresses from `start` to `end`, both included. Node's `addRange`.

        `ERR_INVALID_ARG_VALUE` if `end` comes before `start`; both must be of one family.
        """
        self._add([_range_rule(start, end, family)])

    def add_subnet(self, net: Union[Address, Network], prefix: Optional[int] = None,
                   family: Optional[str] = None) -> None:
        """Block the addresses that share the first `prefix` bits of `net`. Node's `addSubnet`.

        `prefix` is 0 to 32 for IPv4 and 0 to 128 for IPv6, else `ERR_OUT_OF_RANGE`; an `ipaddress` network has its
        own. Bits of `net` behind the prefix do not matter.
        """
        self._add([_subnet_rule(net, prefix, family)])

    def add_cidr(self, cidr: Union[str, Network]) -> None:
        """Block a subnet written as '10.0.0.0/8' or 'fe80::/10'. Node's `addCIDR`.

        `ERR_INVALID_ARG_VALUE` without a decimal prefix, `ERR_OUT_OF_RANGE` for one that is too long.
        """
        self._add([_cidr_rule(cidr)])

    def add_cidrs(self, cidrs: Iterable[Union[str, Network]]) -> None:
        """Block many subnets at once, as `add_cidr`. Node's `addCIDRs`."""
        self._add([_cidr_rule(cidr) for cidr in _several("cidrs", cidrs)])

    # --- removing -----------------------------------------------------------------------------------------------

    def remove_address(self, address: Address, family: Optional[str] = None) -> None:
        """Take back `add_address`; without effect if there is no such rule. Node's `removeAddress`."""
        self._remove(_address_rule(address, family))

    def remove_range(self, start: Address, end: Address, family: Optional[str] = None) -> None:
        """Take back `add_range` of the same range; without effect if there is no such rule. Node's `removeRange`."""
        self._remove(_range_rule(start, end, family))

    def remove_subnet(self, net: Union[Address, Network], prefix: Optional[int] = None,
                      family: Optional[str] = None) -> None:
        """Take back `add_subnet` of the same subnet; without effect if there is no such rule. Node's `removeSubnet`."""
        self._remove(_subnet_rule(net, prefix, family))

    def remove_cidr(self, cidr: Union[str, Network]) -> None:
        """Take back `add_cidr` of the same subnet; without effect if there is no such rule. Node's `removeCIDR`."""
        self._remove(_cidr_rule(cidr))

    def clear(self) -> None:
        """Remove all rules. Node's `clear`."""
        self._change(self._discard, None)

    # --- asking -------------------------------------------------------------------------------------------------

    def check(self, address: Address, family: Optional[str] = None) -> bool:
        """Whether a rule holds for `address`. Node's `check`, but what is no address raises `ERR_INVALID_ADDRESS`.

        Costs O(log n); the first check after rules were removed, or many were added, sorts all rules before.
        """
        found, number = _parsed("address", address, family)
        table = self._table
        if table is None:       # None again: a signal handler checks in the middle of a change
            table = self._change(self._make_table) or _Table.of(self._rules.copy())
        return table.covers(_on_line(found, number))

    @property
    def rules(self) -> List[str]:
        """The rules as Node writes them ('Subnet: IPv4 10.0.0.0/8'), newest first. Node's `rules`."""
        entries = sorted(self._rules.copy().items(), key=_order, reverse=True)
        return [_rule_text(key, entry) for key, entry in entries]

    @property
    def size(self) -> int:
        """The number of rules; one that is added again is not counted again. Node's `size`."""
        return len(self._rules)

    @staticmethod
    def is_block_list(value: object) -> bool:
        """Whether `value` is a `BlockList`. Node's `BlockList.isBlockList`."""
        return isinstance(value, BlockList)

    def to_json(self) -> List[str]:
        """`rules`, ready for `json.dumps`. Node's `toJSON`."""
        return self.rules

    def from_json(self, data: Union[str, Iterable[str]]) -> None:
        """Add the rules in `data`: what `to_json` returned, or the JSON text of it. Node's `fromJSON`.

        A text that is no rule is `ERR_INVALID_ARG_VALUE` (Node skips it). The order of `rules` is kept.
        """
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except (ValueError, RecursionError) as problem:     # brackets in brackets in brackets
                raise invalid_value("data", "must be JSON", data) from problem
            if not isinstance(data, list):
                raise invalid_type("data", "a list of str, or its JSON text", data)
        self._add([_read_rule(text) for text in reversed(_several("data", data))])

    def __contains__(self, address: Address) -> bool:
        return self.check(address)

    def __len__(self) -> int:
        return len(self._rules)

    def __repr__(self) -> str:
        return f"<BlockList of {len(self._rules)} rules>"

    def __reduce__(self) -> Tuple[Any, ...]:
        return _restored, (self.rules,)

    # --- inside -------------------------------------------------------------------------------------------------

    def _change(self, call: Callable[..., Any], *args: Any) -> Any:
        if self._pid != os.getpid():    # after a fork, whoever held the lock may be gone
            self._make_gate()
            self._pid = os.getpid()
        return self._enter(call, *args)

    def _add(self, rules: List[Tuple[_Key, int]]) -> None:
        self._change(self._insert, {key: (next(_ORDER), given) for key, given in rules})

    def _remove(self, rule: Tuple[_Key, int]) -> None:
        self._change(self._discard, rule[0])

    # These three run inside the gate. An exception may strike between any two lines (Ctrl-C), so `_table` goes first,
    # and `_added` is None while it does not tell the truth.

    def _insert(self, rules: Dict[_Key, _Entry]) -> None:
        self._table = None
        added, self._added = self._added, None
        self._rules.update(rules)
        if added is not None and len(added) + len(rules) <= _SPLICES:
            added.extend(rules)
            self._added = added

    def _discard(self, key: Optional[_Key]) -> None:
        if key is None or key in self._rules:
            self._table = self._added = None
            if key is None:
                self._rules.clear()
            else:
                del self._rules[key]

    def _make_table(self) -> _Table:
        if self._table is None:
            added, self._added = self._added, None
            self._last = _Table.of(self._rules) if added is None else self._last.plus(added)
            self._added = []
            self._table = self._last
        return self._table


def _restored(rules: List[str]) -> BlockList:
    made = BlockList()
    made.from_json(rules)
    return made


# --- rules: from arguments, to text, from text ----------------------------------------------------------------------

def _parsed(name: str, address: object, family: Optional[str]) -> Tuple[str, int]:
    """The family and the number of an address argument."""
    wanted = None if family is None else check_family(family)
    if isinstance(address, str):
        found = parse_ip(address)
    elif isinstance(address, SocketAddress):
        found = parse_ip(address.address)
    elif isinstance(address, (IPv4Address, IPv6Address)):
        found = f"ipv{address.version}", int(address)
    else:
        raise invalid_type(name, "str, SocketAddress, IPv4Address or IPv6Address", address)
    if found is None or wanted not in (None, found[0]):
        raise error("ERR_INVALID_ADDRESS", received=address)
    return found


def _on_line(family: str, number: int) -> int:
    return MAPPED | number if family == "ipv4" else number


def _several(name: str, values: Iterable[Any]) -> List[Any]:
    if isinstance(values, (str, bytes)):
        raise invalid_type(name, "an iterable, but no str", values)
    try:
        return list(values)
    except TypeError:
        raise invalid_type(name, "iterable", values) from None


def _address_rule(address: Address, family: Optional[str]) -> Tuple[_Key, int]:
    family, number = _parsed("address", address, family)
    place = _on_line(family, number)
    return ("Address", family, place, place), number


def _range_rule(start: Address, end: Address, family: Optional[str]) -> Tuple[_Key, int]:
    family, first = _parsed("start", start, family)
    family, last = _parsed("end", end, family)
    if first > last:
        raise invalid_value("start", "must come before end", start)
    return ("Range", family, _on_line(family, first), _on_line(family, last)), first


def _subnet_rule(net: Union[Address, Network], prefix: Optional[int], family: Optional[str]) -> Tuple[_Key, int]:
    if isinstance(net, (IPv4Network, IPv6Network)):
        prefix = net.prefixlen if prefix is None else prefix
        net = net.network_address
    family, number = _parsed("net", net, family)
    bits = _BITS[family]
    if not isinstance(prefix, int) or isinstance(prefix, bool):
        raise invalid_type("prefix", "int", prefix)
    if not 0 <= prefix <= bits:
        raise out_of_range("prefix", f">= 0 and <= {bits}", prefix)
    rest = (1 << bits - prefix) - 1
    return ("Subnet", family, _on_line(family, number & ~rest), _on_line(family, number | rest)), number


def _cidr_rule(cidr: Union[str, Network]) -> Tuple[_Key, int]:
    if isinstance(cidr, (IPv4Network, IPv6Network, IPv4Interface, IPv6Interface)):
        cidr = str(cidr)
    if not isinstance(cidr, str):
        raise invalid_type("cidr", "str, IPv4Network or IPv6Network", cidr)
    net, slash, prefix = cidr.rpartition("/")
    if not slash:
        raise invalid_value("cidr", "must contain a prefix length, as in '10.0.0.0/8'", cidr)
    if re.fullmatch("[0-9]{1,3}", prefix) is None:
        raise invalid_value("cidr", "must end in a decimal prefix length", cidr)
    return _subnet_rule(net, int(prefix), None)


def _order(item: Tuple[_Key, _Entry]) -> int:
    return item[1][0]


def _rule_text(key: _Key, entry: _Entry) -> str:
    kind, family, low, high = key
    text = ip_text(family, entry[1])
    if kind == "Range":
        text += "-" + ip_text(family, entry[1] + high - low)
    elif kind == "Subnet":
        text += f"/{_BITS[family] - (high - low).bit_length()}"
    return f"{kind}: {_NAMES[family]} {text}"


def _read_rule(text: object) -> Tuple[_Key, int]:
    if not isinstance(text, str):
        raise invalid_type("data", "a list of str, or its JSON text", text)
    match = _RULE.fullmatch(text)
    if match is None:
        raise invalid_value("data", "must consist of rules such as 'Address: IPv4 1.1.1.1'", text)
    family, rest = match["family"], match["rest"]
    if match["address"]:
        return _address_rule(rest, family)
    if match["range"]:
        start, _, end = rest.partition("-")
        return _range_rule(start, end, family)
    rule = _cidr_rule(rest)
    if _NAMES[rule[0][1]] != family:
        raise error("ERR_INVALID_ADDRESS", received=rest)
    return rule
