"""docs/node-differences.md and docs/errors.md name what there is: in the package, in Node, in the conformance tests.

The tables are read as they stand. A row `| socket.write() | Socket.write() | … |` says that Node has the one and
the package the other; both are looked up.
"""
import errno
import inspect
import json
import re
import subprocess
from pathlib import Path

import pytest

import netcompat

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "node-differences.md"
CASES = ROOT / "tests" / "conformance" / "cases"

NODE_HEADER = ["Node", "netcompat", "Difference"]
ONLY_HEADER = ["name", "what it is"]
DIFFERENCES_HEADER = ["difference", "netcompat", "Node", "why"]
NOT_THERE_HEADER = ["Node", "instead", "why"]

# What Node has and its documentation of `net` does not name, with the reason why the page leaves it out.
UNDOCUMENTED = {
    "constructor": "JavaScript's own",
    "Stream": "an old alias of net.Socket, not documented",
    "writableBuffer": "the inside of a stream, not documented",
    "readableBuffer": "the inside of a stream, not documented",
    "asIndexedPairs": "experimental, and gone again in version 24",
    "length": "JavaScript's own: every function has it",
    "name": "JavaScript's own: every function has it",
    "prototype": "JavaScript's own: every class has it",
}

# What Node's documentation names although a listing of its prototypes does not show it, with the reason.
NOT_LISTED = {
    "maxConnections": "made when the program sets it",
    "dropMaxConnection": "made when the program sets it",
    "timeout": "made by setTimeout",
    "autoSelectFamilyAttemptedAddresses": "made by connect",
    "connecting": "made by the constructor",
    "allowHalfOpen": "made by the constructor",
    "server": "made by the constructor",
    "writableAborted": "of stream.Writable, whose members Duplex copies in part",
}

# Classes of Node by the words before the point in the page.
NODE_CLASSES = {"server": "Server", "socket": "Socket", "writable": "Socket", "readable": "Socket", "net": "net",
                "blockList": "BlockList", "BlockList": "BlockList static", "socketAddress": "SocketAddress",
                "SocketAddress": "SocketAddress static", "boundSocket": "BoundSocket", "emitter": "EventEmitter"}

# Public by their spelling, with the reason why they are none of the user's business.
INTERNAL = {
    "_on_ready": "called by the reactor",
    "_on_lost": "called by the reactor",
}

NODE_PROGRAM = """
const net = require('net');
const chain = (start) => {
  const names = [];
  for (let place = start; place && place !== Object.prototype; place = Object.getPrototypeOf(place))
    names.push(...Object.getOwnPropertyNames(place));
  return names;
};
const found = {net: Object.getOwnPropertyNames(net), Server: chain(net.Server.prototype),
               Socket: chain(net.Socket.prototype), EventEmitter: chain(require('events').EventEmitter.prototype)};
for (const name of ['BlockList', 'SocketAddress', 'BoundSocket'])
  if (net[name]) {
    found[name] = Object.getOwnPropertyNames(net[name].prototype);
    found[name + ' static'] = Object.getOwnPropertyNames(net[name]);
  }
process.stdout.write(JSON.stringify(found));
"""


# ---- the page ----

class Row:
    """One line of a table: its cells, and the headings above it."""

    def __init__(self, number, section, header, cells):
        self.number, self.section, self.header, self.cells = number, section, header, cells

    def __str__(self):
        return "{}:{}".format(PAGE.name, self.number)

    def code(self, index):
        """The first `code` in a cell, or ''."""
        match = re.search("`([^`]+)`", self.cells[index])
        return match.group(1) if match else ""


def read_rows():
    rows, section, header = [], "", None
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            section = line.lstrip("# ")
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if header is None:
            header = cells
        elif not set(cells[0]) <= set("-: ") or not cells[0]:
            assert len(cells) == len(header), "{}:{}: {} cells".format(PAGE.name, number, len(cells))
            rows.append(Row(number, section, header, cells))
    return rows


ROWS = read_rows()
NODE_ROWS = [row for row in ROWS if row.header == NODE_HEADER]
EVENTS = [row for row in NODE_ROWS if row.section.startswith("Events of ")]
OPTIONS = [row for row in NODE_ROWS if "=)" in row.code(1)]
MEMBERS = [row for row in NODE_ROWS if row not in EVENTS and row not in OPTIONS]
ONLY = [row for row in ROWS if row.header == ONLY_HEADER]


def spans():
    """(row, name) of all members of the package that the page names, options left out."""
    found = [(row, row.code(1)) for row in MEMBERS] + [(row, row.code(0)) for row in ONLY]
    return [(row, name) for row, name in found if "=)" not in name]


def resolve(name):
    """The object that 'Socket.write()', 'Socket.timeout' or 'connect()' names."""
    bare = name[:-2] if name.endswith("()") else name
    found = netcompat
    for part in bare.split("."):
        found = getattr(found, part)
    return found


def ids(rows):
    return ["{}-{}".format(row.number, row.code(1) or row.code(0)) for row in rows]


# ---- the page and the package ----

def test_page_is_read():
    assert len(EVENTS) > 20 and len(OPTIONS) > 50 and len(MEMBERS) > 120 and len(ONLY) > 40


@pytest.mark.parametrize("row, name", spans(), ids=[name for _, name in spans()])
def test_name_is_there(row, name):
    assert name, "{} names nothing".format(row)
    try:
        found = resolve(name)
    except AttributeError as problem:
        pytest.fail("{}: {}".format(row, problem))
    if name.endswith("()"):
        assert callable(found), "{}: {} cannot be called".format(row, name)
    elif "." in name:
        assert not inspect.isroutine(found), "{}: {} is a method".format(row, name)


@pytest.mark.parametrize("row", OPTIONS, ids=ids(OPTIONS))
def test_option_is_taken(row):
    """Asked without doing anything: of two keywords the unknown one must be complained about, not this one."""
    match = re.fullmatch(r"([\w.]+)\((\w+)=\)", row.code(1))
    assert match, "{}: {}".format(row, row.code(1))
    owner, keyword = match.groups()
    assert is_taken(owner, keyword), "{}: {} is no option of {}".format(row, keyword, owner)


def is_taken(owner, keyword):
    first, _, method = owner.partition(".")
    call = getattr(netcompat, first)
    if method:
        call = getattr(call(), method)
    with pytest.raises(TypeError) as caught:
        call(**{keyword: None, "no_such_option": None})
    return "'no_such_option'" in str(caught.value)


@pytest.mark.parametrize("name", ["Server", "Socket", "SocketAddress", "BoundSocket"])
def test_every_option_is_in_the_page(name):
    documented = {row.code(index) for row in ROWS for index in (0, 1) if index < len(row.cells)}
    for parameter in inspect.signature(getattr(netcompat, name)).parameters:
        assert "{}({}=)".format(name, parameter) in documented


@pytest.mark.parametrize("function, owners", [("create_connection", ("Socket", "Socket.connect")),
                                              ("create_server", ("Server",))])
def test_factories_take_the_options_of_what_they_make(function, owners):
    for row in OPTIONS + ONLY:
        match = re.fullmatch(r"([\w.]+)\((\w+)=\)", row.code(1) or row.code(0))
        if match and match.group(1) in owners:
            assert is_taken(function, match.group(2)), "{}: {}".format(row, match.group(2))


@pytest.mark.parametrize("name", ["Server", "Socket", "AbortSignal"])
def test_events_are_those_of_the_class(name):
    """The docstring of a class lists its events."""
    in_page = {row.code(1).strip("'") for row in EVENTS if row.section == "Events of " + name}
    text = inspect.getdoc(getattr(netcompat, name))
    listed = re.search("Events?:? (.*?)(?:\n\n|$)", text, re.DOTALL).group(1).split(".")[0]
    assert in_page == set(re.findall(r"'(\w+)'", listed))


def public_names():
    for name in netcompat.__all__:
        found = getattr(netcompat, name)
        if not name.startswith("_"):
            yield name
        if inspect.isclass(found):
            inherited = {attribute for base in found.__mro__ if not base.__module__.startswith("netcompat")
                         for attribute in dir(base)}
            for attribute in dir(found):
                if not attribute.startswith("_") and attribute not in inherited and attribute not in INTERNAL:
                    yield "{}.{}".format(name, attribute)


def test_every_public_name_is_in_the_page():
    documented = {name[:-2] if name.endswith("()") else name for _, name in spans()}
    missing = []
    for name in public_names():
        first, _, attribute = name.partition(".")
        owners = [first]
        if attribute:
            owners = [base.__name__ for base in getattr(netcompat, first).__mro__]
        names = {"{}.{}".format(owner, attribute) for owner in owners} if attribute else {first}
        if not names & documented:
            missing.append(name)
    assert not missing


# ---- the page and its list of differences ----

def test_every_difference_of_the_conformance_tests_is_in_the_page():
    named = set()
    for path in CASES.glob("*.js"):
        named |= set(re.findall(r"^// difference: ([\w-]+):", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert not named - {row.code(0) for row in ROWS if row.header == DIFFERENCES_HEADER}


def test_every_difference_has_its_anchor_and_is_told_once():
    rows = [row for row in ROWS if row.header == DIFFERENCES_HEADER]
    names = [row.code(0) for row in rows]
    assert names == sorted(set(names)), "in the order of the alphabet, each once"
    for row, name in zip(rows, names):
        assert '<a id="{}"></a>'.format(name) in row.cells[0], str(row)
        assert all(row.cells), "{}: {} lacks its reason".format(row, name)


def test_every_difference_is_linked_from_a_member():
    linked = set(re.findall(r"\[`([\w-]+)`\]\(#\1\)", PAGE.read_text(encoding="utf-8")))
    assert linked == {row.code(0) for row in ROWS if row.header == DIFFERENCES_HEADER}


# ---- the page and Node ----

@pytest.fixture(scope="module")
def in_node(node):
    """What Node has: names by class."""
    done = subprocess.run([node, "-e", NODE_PROGRAM], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          universal_newlines=True, timeout=60, check=True)
    return {name: set(found) for name, found in json.loads(done.stdout).items()}


def documented_for_node():
    """What the page says that Node has: names by class, as in `in_node`."""
    found = {}
    for row in MEMBERS + [row for row in ROWS if row.header == NOT_THERE_HEADER]:
        match = re.fullmatch(r"(new net|\w+)\.(\w+)(\(\))?", row.code(0))
        if match:
            owner = "net" if match.group(1) == "new net" else NODE_CLASSES.get(match.group(1))
            found.setdefault(owner, set()).add(match.group(2))
    found["BoundSocket static"] = set()
    found["Socket"] |= found["EventEmitter"]
    found["Server"] |= found["EventEmitter"]
    return found


def test_every_name_of_node_is_in_the_page(in_node):
    documented = documented_for_node()
    for owner, names in in_node.items():
        missing = {name for name in names if not name.startswith("_")} - documented[owner] - set(UNDOCUMENTED)
        assert not missing, owner


def test_every_name_in_the_page_is_in_node(node, in_node):
    """Only the newest Node has all of them."""
    version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, universal_newlines=True, timeout=60).stdout
    if [int(part) for part in version.strip().lstrip("v").split(".")[:2]] < [26, 8]:
        pytest.skip("{} lacks what came later".format(version.strip()))
    documented = documented_for_node()
    for owner, names in in_node.items():
        assert not documented[owner] - names - set(NOT_LISTED), owner


# ---- the page about errors ----

ERRORS_PAGE = ROOT / "docs" / "errors.md"
FREQUENT = ["EACCES", "EADDRINUSE", "EADDRNOTAVAIL", "EAI_AGAIN", "ECONNABORTED", "ECONNREFUSED", "ECONNRESET",
            "EHOSTUNREACH", "EMFILE", "ENAMETOOLONG", "ENETUNREACH", "ENOENT", "ENOTFOUND", "EPERM", "EPIPE",
            "ETIMEDOUT"]


def error_rows():
    """{code: cells} of the tables of codes."""
    lines = ERRORS_PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `E")]
    return {row[0].strip("`"): row for row in rows}


def test_every_code_of_ours_has_cause_and_cure():
    rows = error_rows()
    for code in netcompat.errors.CODES:
        assert code in rows, "{} is not in {}".format(code, ERRORS_PAGE.name)
        assert all(rows[code]), "{}: an empty cell".format(code)
    assert {code for code in rows if code.startswith("ERR_")} == set(netcompat.errors.CODES)


@pytest.mark.parametrize("code", FREQUENT)
def test_frequent_system_code_has_cause_and_cure(code):
    assert all(error_rows()[code])


@pytest.mark.parametrize("code", [code for code in sorted(error_rows()) if hasattr(errno, code)])
def test_system_code_has_the_class_in_the_page(code):
    made = netcompat.errors.system_error(code, "connect")
    assert error_rows()[code][1].strip("`") == type(made).__name__
    assert made.code == code and made.errno == getattr(errno, code)
