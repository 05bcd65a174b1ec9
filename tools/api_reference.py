#!/usr/bin/env python3
"""Writes docs/api.md: every public name of the package, with its signature and its docstring.

    python3 tools/api_reference.py            write the page
    python3 tools/api_reference.py --check    exit status 1 if the page is not what would be written

Nothing is kept by hand but the order of the chapters below; a public name that no chapter has is an error, and so is
one without a docstring. The docstrings stay plain text: each becomes a paragraph, `code` and all.
"""
import argparse
import inspect
import re
import sys
from pathlib import Path
from typing import Any, Iterator, List, NamedTuple, Set, Tuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "api.md"
sys.path.insert(0, str(ROOT))

import netcompat  # noqa: E402
import netcompat.cluster  # noqa: E402
import netcompat.errors  # noqa: E402


class Chapter(NamedTuple):
    """A heading, a sentence, and the names below it, looked up in a module."""

    title: str
    module: Any
    intro: str
    names: str


CHAPTERS = (
    Chapter("Servers and sockets", netcompat,
            "What most programs need: two functions, and the two classes that they return.",
            "create_server create_connection connect Server Socket OnRead AddressInfo DropInfo request_handler"),
    Chapter("Events", netcompat,
            "What `Server`, `Socket`, `AbortSignal` and `Cluster` share; your own emitters may derive from it.",
            "EventEmitter"),
    Chapter("Where code runs", netcompat,
            "[Threads](threads.md) has the picture and the promises.",
            "EventQueue WorkerPool set_default_workers set_default_dispatch shutdown stats"),
    Chapter("Addresses and block lists", netcompat, "",
            "is_ip is_ipv4 is_ipv6 SocketAddress BlockList BoundSocket"),
    Chapter("Aborting", netcompat, "", "AbortController AbortSignal"),
    Chapter("Defaults", netcompat, "Read when an object is made, or a connect begins.",
            "get_default_auto_select_family set_default_auto_select_family "
            "get_default_auto_select_family_attempt_timeout set_default_auto_select_family_attempt_timeout "
            "get_default_high_water_mark set_default_high_water_mark"),
    Chapter("Errors", netcompat.errors,
            "Causes and cures, code by code: [Errors](errors.md). `AbortError` and `AggregateError` are names of "
            "`netcompat` too.",
            "AbortError AggregateError ArgumentTypeError ArgumentValueError OutOfRangeError StateError ClosedError"),
    Chapter("More than one process", netcompat.cluster,
            "The module `netcompat.cluster`, imported by who wants it. [Processes](processes.md) says when.",
            " ".join(netcompat.cluster.__all__)),
)
ELSEWHERE = {"AbortError", "AggregateError", "__version__"}     # public names that stand in another module's chapter


class Member(NamedTuple):
    """One name of a class: how it is written in a call, and what it says of itself."""

    heading: str
    text: str


def problem(text: str) -> SystemExit:
    return SystemExit("api_reference: " + text)


def text_of(thing: Any, name: str) -> str:
    """The docstring as Markdown."""
    text = inspect.getdoc(thing)
    if not text:
        raise problem("{} has no docstring".format(name))
    return re.sub(r"\*(?=\w|\*)", r"\\*", text)         # `*args` in prose is no emphasis


def signature(call: Any, skip_first: bool) -> str:
    """The arguments as they are written in a call; types and the object itself left out."""
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return "(…)"
    if skip_first:
        parameters = parameters[1:]
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in parameters]
    return str(inspect.Signature(bare))


def public_members(kind: type, known: Set[str]) -> Iterator[Tuple[str, Any]]:
    """(name, attribute) of a class and of those that it is made of, in the order of the source; not what is `known`."""
    seen = set(known)
    for base in kind.__mro__:
        if not base.__module__.startswith(netcompat.__name__) and base is not kind:
            continue
        for name, value in vars(base).items():
            if name.startswith("_") or name in seen:
                continue
            seen.add(name)
            yield name, value


def describe(owner: str, name: str, value: Any) -> Member:
    where = "{}.{}".format(owner, name)
    if isinstance(value, property):
        return Member(where, text_of(value.fget, where))
    if isinstance(value, (staticmethod, classmethod)):
        return Member(where + signature(value.__func__, isinstance(value, classmethod)), text_of(value.__func__, where))
    if inspect.isfunction(value):
        return Member(where + signature(value, True), text_of(value, where))
    return Member(where, "")


def class_lines(name: str, kind: type) -> Iterator[str]:
    inherits = kind is not netcompat.EventEmitter and issubclass(kind, netcompat.EventEmitter)
    own_init = "__init__" in vars(kind) or issubclass(kind, tuple)
    yield "### {}{}".format(name, signature(kind, False) if own_init else "")
    yield text_of(kind, name)
    if inherits:
        yield "It is an [EventEmitter](#eventemitter), with all its members."
    known = {other for other in dir(netcompat.EventEmitter) if not other.startswith("_")} if inherits else set()
    for attribute, value in public_members(kind, known):
        member = describe(name, attribute, value)
        if member.text:         # else a field: the docstring of its class tells of it
            yield "#### {}".format(member.heading)
            yield member.text


def heading_anchors(lines: List[str]) -> List[str]:
    """The headings with code in them: a signature is easier to read in code."""
    shown = []
    for line in lines:
        match = re.match(r"^(#{3,4}) (.+)$", line)
        if match:
            name, _, arguments = match.group(2).partition("(")
            plain = name.replace(".", "-").lower()
            line = '<a id="{}"></a>\n\n{} `{}`'.format(plain, match.group(1), name + (_ + arguments))
        shown.append(line)
    return shown


def page() -> str:
    told: Set[str] = set()
    lines = ["# API reference",
             "Made by `tools/api_reference.py` from the docstrings of version {}. Node's names are in "
             "[the table of differences](node-differences.md). Time is in milliseconds where a member is Node's, in "
             "seconds where only Python has it.".format(netcompat.__version__)]
    for chapter in CHAPTERS:
        lines.append("## " + chapter.title)
        if chapter.intro:
            lines.append(chapter.intro)
        for name in chapter.names.split():
            thing = getattr(chapter.module, name)
            told.add(name)
            if inspect.isclass(thing):
                lines += class_lines(name, thing)
            elif callable(thing):
                lines += ["### {}{}".format(name, signature(thing, False)), text_of(thing, name)]
    forgotten = set(netcompat.__all__) - told - ELSEWHERE
    if forgotten:
        raise problem("in no chapter: {}".format(", ".join(sorted(forgotten))))
    return "\n\n".join(heading_anchors(lines)) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/api.md from the docstrings.", allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="only look whether the page is up to date")
    check = parser.parse_args().check
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        print("{}: {} lines".format(PAGE.name, text.count("\n")))
        return 0
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/api.md is out of date: python3 tools/api_reference.py writes it")
        return 1
    print("docs/api.md is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
