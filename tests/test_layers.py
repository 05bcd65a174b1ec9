"""The house has rooms, and imports point downwards: which module of the package may import which.

Read off the sources with `ast`, so that imports inside functions count as well. Also here: only the standard library
is imported, the package never names itself (so it can be vendored), and importing it starts nothing.
"""
import ast
import sys
from pathlib import Path
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Set

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "netcompat"

# A room is a module of the package, or a subpackage with all that is in it. The names stand for rooms that may be
# imported; the modules of one room may import each other.
VALUES = {"addresses", "blocklist", "abort", "arguments", "errors", "encodings"}
TYPES = {"events"}              # types of listeners, for type checkers alone: names every class that has events
PUBLIC = {"server", "socket", "stream", "emitter", "blocking", "stdlib_view", "event_queue", "worker_pool",
          "connecting", "transports", "runtime"} | VALUES

MAY_IMPORT: Dict[str, Set[str]] = {
    "__init__": PUBLIC,
    "__main__": {"__init__", "cluster"},
    "cluster": {"__init__"} | PUBLIC,
    "server": {"socket", "stream", "connecting", "transports", "runtime", "emitter", "blocking"} | VALUES | TYPES,
    "socket": {"stream", "connecting", "transports", "runtime", "emitter", "blocking"} | VALUES | TYPES,
    "connecting": {"transports", "runtime"} | VALUES,
    "blocking": {"stdlib_view", "stream", "emitter", "runtime"} | VALUES,
    "stdlib_view": {"emitter", "arguments", "errors"},
    "event_queue": {"emitter", "runtime", "errors"},
    "worker_pool": {"runtime", "errors"},
    "stream": {"emitter", "runtime"} | VALUES,
    "abort": {"emitter", "runtime", "errors"} | TYPES,
    "emitter": {"arguments", "runtime", "errors"},
    "arguments": {"blocklist", "errors"},
    "blocklist": {"addresses", "runtime", "errors"},
    "addresses": {"errors"},
    "encodings": {"errors"},
    "transports": {"arguments", "runtime", "addresses", "errors"},
    "runtime": {"errors"},
    "errors": set(),
    "events": {"server", "socket", "stream", "abort", "addresses"},
}

# The stream is a state machine: no thread, no socket, no clock.
NOT_IN_STREAM = {"threading", "_thread", "concurrent", "queue", "socket", "_socket", "select", "selectors", "ssl",
                 "time", "datetime", "asyncio", "os", "signal"}


class Import(NamedTuple):
    """One imported module: `room` of ours, or the `outside` top-level module."""

    file: Path
    line: int
    room: str = ""
    outside: str = ""

    def __str__(self) -> str:
        return "{}:{} imports {}".format(self.file.relative_to(ROOT), self.line, self.room or self.outside)


def sources() -> List[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(file: Path) -> str:
    """`stream.py` is in the room `stream`, `runtime/reactor.py` in the room `runtime`."""
    first = file.relative_to(PACKAGE).parts[0]
    return first[:-3] if first.endswith(".py") else first


def rooms() -> FrozenSet[str]:
    return frozenset(room_of(file) for file in sources())


def imports(file: Path) -> Iterator[Import]:
    """Every import statement of a file, wherever it stands."""
    package = file.relative_to(PACKAGE).parent.parts        # () or ("runtime",)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, outside=alias.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield Import(file, node.lineno, outside=str(node.module).split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            above = len(package) - (node.level - 1)
            assert above >= 0, "{}:{} leaves the package".format(file.relative_to(ROOT), node.lineno)
            target = package[:above] + tuple(node.module.split(".") if node.module else ())
            if target:
                yield Import(file, node.lineno, room=target[0])
            else:                                           # from . import name: a room, or a public name
                for alias in node.names:
                    yield Import(file, node.lineno, room=alias.name if alias.name in rooms() else "__init__")


def all_imports() -> List[Import]:
    return [item for file in sources() for item in imports(file)]


def test_every_room_is_in_the_table() -> None:
    assert rooms(), "there is no package"
    assert rooms() <= set(MAY_IMPORT), "new rooms need a row in the table: {}".format(rooms() - set(MAY_IMPORT))


def test_the_table_has_no_circle() -> None:
    """A table that lets two rooms import each other would not say which one is above."""
    left = {room: below - TYPES for room, below in MAY_IMPORT.items() if room not in TYPES}
    while left:
        bottom = {room for room, below in left.items() if not below & set(left)}
        assert bottom, "a circle among {}".format(sorted(left))
        for room in bottom:
            del left[room]


def test_imports_point_downwards() -> None:
    wrong = [str(item) for item in all_imports()
             if item.room and item.room != room_of(item.file) and item.room not in MAY_IMPORT[room_of(item.file)]]
    assert not wrong, "\n".join(wrong)


def test_the_command_line_uses_public_names_only() -> None:
    rooms_of_names = ("", "__init__", "cluster", "__main__")
    wrong = [str(item) for item in imports(PACKAGE / "__main__.py") if item.room not in rooms_of_names]
    assert not wrong, "\n".join(wrong)
    from netcompat import cluster
    public = public_names() | set(cluster.__all__) | {"cluster", "main"}
    for node in ast.walk(ast.parse((PACKAGE / "__main__.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            unknown = {alias.name for alias in node.names} - public
            assert not unknown, "not public: {}".format(sorted(unknown))


def public_names() -> Set[str]:
    """What `__all__` in `__init__.py` lists, and the version."""
    import netcompat
    return set(netcompat.__all__) | {"__version__"}


def test_the_stream_knows_no_thread_no_socket_no_clock() -> None:
    wrong = [str(item) for item in all_imports()
             if room_of(item.file) == "stream" and item.outside in NOT_IN_STREAM]
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(sys.version_info < (3, 10), reason="sys.stdlib_module_names is new in Python 3.10")
def test_only_the_standard_library_is_imported() -> None:
    standard = set(sys.stdlib_module_names)     # type: ignore[attr-defined,unused-ignore]
    wrong = [str(item) for item in all_imports() if item.outside and item.outside not in standard]
    assert not wrong, "\n".join(wrong)


def test_the_package_never_names_itself() -> None:
    """A vendored copy has another name; an absolute import would find a different copy, or none."""
    wrong = [str(item) for item in all_imports() if item.outside == "netcompat"]
    for file in sources():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _callee(node) in ("import_module", "__import__") and any(
                    isinstance(argument, ast.Constant) and str(argument.value).split(".")[0] == "netcompat"
                    for argument in node.args):
                wrong.append("{}:{} imports netcompat by name".format(file.relative_to(ROOT), node.lineno))
    assert not wrong, "\n".join(wrong)


def _callee(node: ast.Call) -> str:
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def test_importing_starts_nothing(run_script: Callable[..., Any]) -> None:
    result = run_script("""
        import logging, os, signal, sys, threading, warnings

        def descriptors():
            # Wine has a /proc, of the system that it runs on.
            there = os.name == "posix" and os.path.isdir("/proc/self/fd")
            return set(os.listdir("/proc/self/fd")) if there else set()

        def handlers():
            found = [signal.getsignal(number) for number in range(1, signal.NSIG) if _valid(number)]
            return found, signal.set_wakeup_fd(-1)

        def _valid(number):
            try:
                signal.getsignal(number)
            except ValueError:
                return False
            return True

        def loggers():
            named = list(logging.root.manager.loggerDict.values())
            return [handler for logger in [logging.root] + named for handler in getattr(logger, "handlers", ())]

        def world():
            return {
                "threads": threading.enumerate(),
                "descriptors": descriptors(),
                "signal handlers": handlers(),
                "logging handlers": loggers(),
                "hooks": [sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning],
                "warning filters": list(warnings.filters),
                "switch interval": sys.getswitchinterval(),
            }

        before = world()
        import netcompat
        after = world()
        for name in before:
            assert before[name] == after[name], "{}: {} became {}".format(name, before[name], after[name])
        assert "netcompat.cluster" not in sys.modules, "imported only by who wants it"
        print("done")
    """, env={"NETCOMPAT_DEBUG": None})
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")
