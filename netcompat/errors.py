"""Every error that netcompat makes, and the one table of their codes.

Three families, told apart by what a caller can do about them:

* argument errors (`TypeError`, `ValueError`): raised at once from the call that was given them;
* state errors: `ClosedError` (an `OSError`: the connection is gone or going) and `StateError` (a `RuntimeError`: the
  call does not fit what the object is doing);
* system errors: the built-in `OSError` subclasses, dressed by `system_error` with Node's `code`, `syscall`, `address`
  and `port`, and with Node's message.

An error made here was never raised, so it holds no traceback and keeps no frame alive.

The message is Node's. What to do about the mistakes that everybody makes once stands below it, as a note: tracebacks
show notes on Python 3.11 and newer, the command line and `threading.excepthook` reports do on every version.
"""
from __future__ import annotations

import errno as _errno
import socket
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type, cast

__all__ = ["AbortError", "AggregateError", "ArgumentTypeError", "ArgumentValueError", "ClosedError", "OutOfRangeError",
           "StateError"]


class ArgumentTypeError(TypeError):
    """An argument of the wrong kind; `code` says in which way."""

    code = "ERR_INVALID_ARG_TYPE"


class ArgumentValueError(ValueError):
    """An argument of the right type with a value that cannot be used."""

    code = "ERR_INVALID_ARG_VALUE"


class OutOfRangeError(ArgumentValueError, OverflowError):
    """A number outside its range (Node's `RangeError`)."""

    code = "ERR_OUT_OF_RANGE"


class StateError(RuntimeError):
    """A call that does not fit the object's present state."""

    code = "ERR_INVALID_STATE"


class ClosedError(OSError):
    """The stream or its connection is closed, or closing, or must not be opened."""

    code = "ERR_SOCKET_CLOSED"


class AbortError(Exception):
    """The operation was aborted through an `AbortSignal`; `cause` is the signal's reason."""

    code = "ABORT_ERR"

    def __init__(self, message: str = "The operation was aborted", cause: object = None) -> None:
        super().__init__(message)
        self.cause = cause
        if isinstance(cause, BaseException):
            self.__cause__ = cause


class AggregateError(OSError):
    """Several attempts failed, each for a reason of its own: `errors` has them in order, `code` is the first one's."""

    def __init__(self, errors: Sequence[BaseException]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors: List[BaseException] = list(errors)
        first = self.errors[0] if self.errors else None
        self.code: Optional[str] = getattr(first, "code", None)
        self.errno = getattr(first, "errno", None)
        for text in getattr(first, "__notes__", ()):
            note(self, text)

    def __str__(self) -> str:
        count = len(self.errors)
        lines = "".join(f"\n  {error}" for error in self.errors)
        return f"{self.code or 'AggregateError'}: {count} attempt{'' if count == 1 else 's'} failed{lines}"

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.errors,)


# code: (class, message). The message is a format string; the names in it are the keywords of `error`.
CODES: Dict[str, Tuple[Type[Exception], str]] = {
    "ERR_INVALID_ARG_TYPE": (ArgumentTypeError, 'The "{name}" argument must be {expected}. Received {received}'),
    "ERR_INVALID_ARG_VALUE": (ArgumentValueError, 'The "{name}" argument {reason}. Received {received}'),
    "ERR_OUT_OF_RANGE": (OutOfRangeError,
                         'The value of "{name}" is out of range. It must be {expected}. Received {received}'),
    "ERR_SOCKET_BAD_PORT": (OutOfRangeError, "{name} should be >= 0 and < 65536. Received {received}"),
    "ERR_MISSING_ARGS": (ArgumentTypeError, "{missing} must be specified"),
    "ERR_UNKNOWN_ENCODING": (ArgumentTypeError, "Unknown encoding: {encoding}"),
    "ERR_INVALID_ADDRESS": (ArgumentValueError, "Invalid address: {received}"),
    "ERR_INVALID_IP_ADDRESS": (ArgumentTypeError, "Invalid IP address: {received}"),
    "ERR_INVALID_ADDRESS_FAMILY": (OutOfRangeError, "Invalid address family: {family} {host}:{port}"),
    "ERR_INVALID_FD_TYPE": (ArgumentTypeError, "Unsupported fd type: {kind}"),
    "ERR_INVALID_HANDLE_TYPE": (ArgumentTypeError, "This handle type cannot be {action}"),
    "ERR_STREAM_NULL_VALUES": (ArgumentTypeError, "May not write null values to stream"),
    "ERR_SOCKET_CLOSED": (ClosedError, "Socket is closed"),
    "ERR_SOCKET_CLOSED_BEFORE_CONNECTION": (ClosedError, "Socket closed before the connection was established"),
    "ERR_STREAM_DESTROYED": (ClosedError, "Cannot call {call} after a stream was destroyed"),
    "ERR_STREAM_WRITE_AFTER_END": (ClosedError, "write after end"),
    "ERR_STREAM_ALREADY_FINISHED": (ClosedError, "Cannot call {call} after a stream was finished"),
    "ERR_STREAM_CANNOT_PIPE": (ClosedError, "Cannot pipe, not readable"),
    "ERR_IP_BLOCKED": (ClosedError, "IP({address}) is blocked by the block list"),
    "ERR_SERVER_ALREADY_LISTEN": (StateError, "Listen method has been called more than once without closing"),
    "ERR_SERVER_NOT_RUNNING": (StateError, "Server is not running: call listen() first"),
    "ERR_SOCKET_HANDLE_ADOPTED": (StateError, "The bound socket was adopted by a server or a socket"),
    "ERR_INVALID_STATE": (StateError, "{reason}"),
    "ERR_UNHANDLED_ERROR": (StateError, "Unhandled error. ({received})"),
}


def received(value: object) -> str:
    """Describe a rejected value: its type and, shortened, the value."""
    if value is None:
        return "None"
    text = repr(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return f"type {type(value).__name__} ({text})"


def error(code: str, **fields: Any) -> Any:
    """Make the error of `code`; `received=` is described, everything else stands in the message as it is."""
    kind, template = CODES[code]
    if "received" in fields:
        fields["received"] = received(fields["received"])
    made = kind(template.format(**fields))
    made.code = code  # type: ignore[attr-defined]
    return made


def invalid_type(name: str, expected: str, value: object) -> ArgumentTypeError:
    """`ERR_INVALID_ARG_TYPE` for the argument `name`; `expected` reads like 'str or bytes'."""
    made: ArgumentTypeError = error("ERR_INVALID_ARG_TYPE", name=name, expected=expected, received=value)
    return made


def invalid_value(name: str, reason: str, value: object) -> ArgumentValueError:
    """`ERR_INVALID_ARG_VALUE` for the argument `name`; `reason` reads like 'must not be empty'."""
    made: ArgumentValueError = error("ERR_INVALID_ARG_VALUE", name=name, reason=reason, received=value)
    return made


def out_of_range(name: str, expected: str, value: object) -> OutOfRangeError:
    """`ERR_OUT_OF_RANGE` for the argument `name`; `expected` reads like '>= 0 and <= 255'."""
    made: OutOfRangeError = error("ERR_OUT_OF_RANGE", name=name, expected=expected, received=value)
    return made


# (syscall, port or path, code): what to do. `None` holds for both.
_CURES: Dict[Tuple[str, Optional[str], str], str] = {
    ("listen", "port", "EADDRINUSE"): "another program, or an older run of this one, listens there: "
                                      "choose another port, or 0 for one that is free",
    ("listen", "path", "EADDRINUSE"): "the path exists: choose another if a program listens there, or remove it if one "
                                      "that crashed left it behind",
    ("listen", "port", "EACCES"): "ports below 1024 need special rights on many systems: choose a higher one",
    ("listen", "path", "EACCES"): "this user may not make a file in that folder: choose another folder",
    ("listen", "path", "ENOENT"): "the folder is not there: make it first",
    ("listen", None, "EADDRNOTAVAIL"): "no interface of this machine has that address: use 127.0.0.1, or no host",
    ("connect", "port", "ECONNREFUSED"): "nobody listens there: start the server first, and compare host and port",
    ("connect", "path", "ECONNREFUSED"): "nobody listens there any more: the program that made the path has ended",
    ("connect", "path", "ENOENT"): "the path is not there: start the server first, and compare the two paths",
    ("connect", "path", "EACCES"): "this user may not write to the socket: let the server listen with "
                                   "writable_all=True, or look at the rights of its folder",
    ("listen", "path", "ENAMETOOLONG"): "choose a shorter folder, such as tempfile.mkdtemp() makes",
    ("connect", "path", "ENAMETOOLONG"): "choose a shorter folder, such as tempfile.mkdtemp() makes",
    ("accept", None, "EMFILE"): "close connections that are not needed, or raise the limit (ulimit -n)",
    ("getaddrinfo", None, "ENOTFOUND"): "there is no such host: look at the spelling",
    ("getaddrinfo", None, "EAI_AGAIN"): "the name server does not answer: look at the network, and try again",
}


def note(made: Any, text: str) -> Any:
    """Add a line that tracebacks show below the message (PEP 678)."""
    made.__notes__ = [*getattr(made, "__notes__", ()), text]
    return made


def _with_cure(made: Any, syscall: str, place: Optional[str]) -> Any:
    called = "listen" if syscall == "bind" else syscall
    text = _CURES.get((called, place, made.code)) or _CURES.get((called, None, made.code))
    return made if text is None else note(made, text)


# The builtin class that Python itself would raise for a number.
_CLASS_OF_CODE: Dict[str, Type[OSError]] = {}
for _number, _name in _errno.errorcode.items():
    _CLASS_OF_CODE[_name] = type(OSError(_number, ""))
if hasattr(_errno, "WSAECONNREFUSED"):      # Windows: its own numbers, POSIX' names
    for _number, _name in list(_errno.errorcode.items()):
        if _name.startswith("WSAE"):
            _CLASS_OF_CODE.setdefault(_name[3:], type(OSError(_number, "")))

_GAI_CODES = {getattr(socket, name): code for name, code in (
    ("EAI_NONAME", "ENOTFOUND"), ("EAI_NODATA", "ENOTFOUND"), ("EAI_AGAIN", "EAI_AGAIN"), ("EAI_FAIL", "EAI_FAIL"),
    ("EAI_FAMILY", "EAI_FAMILY"), ("EAI_SERVICE", "EAI_SERVICE"), ("EAI_SOCKTYPE", "EAI_SOCKTYPE"),
    ("EAI_MEMORY", "EAI_MEMORY"), ("EAI_BADFLAGS", "EAI_BADFLAGS"), ("EAI_ADDRFAMILY", "EAI_ADDRFAMILY"),
) if hasattr(socket, name)}


def code_of(number: Optional[int]) -> str:
    """The symbolic name of an errno, POSIX' spelling on every system ('ECONNRESET')."""
    name = _errno.errorcode.get(number or 0, "UNKNOWN")
    return name[3:] if name.startswith("WSAE") else name


def system_error(cause: "int | str | OSError", syscall: str, address: Optional[str] = None,
                 port: Optional[int] = None, *, local_address: Optional[str] = None, local_port: Optional[int] = None,
                 detail: Optional[str] = None) -> OSError:
    """Dress what the system said as Node does: the built-in `OSError` subclass, Node's message, the places involved.

    `cause` is an errno, its name, or the `OSError` that the system raised. An error that was dressed before is
    returned as it is.
    """
    if isinstance(cause, OSError):
        if hasattr(cause, "syscall"):
            return cause
        cause = cause.errno or 0
    code = cause if isinstance(cause, str) else code_of(cause)
    number = getattr(_errno, code, None) if isinstance(cause, str) else cause
    where = ""
    if address is not None:
        where = f" {address}:{port}" if port else f" {address}"
        if port and local_address is not None:
            where += f" - Local ({local_address}:{local_port or 0})"
    reason = f": {detail}" if detail else ""
    made = _CLASS_OF_CODE.get(code, OSError)(f"{syscall} {code}{reason}{where}")
    made.errno = number
    made.code = code  # type: ignore[attr-defined]
    made.syscall = syscall  # type: ignore[attr-defined]
    made.address = address  # type: ignore[attr-defined]
    made.port = port  # type: ignore[attr-defined]
    made.local_address = local_address  # type: ignore[attr-defined]
    made.local_port = local_port  # type: ignore[attr-defined]
    return cast(OSError, _with_cure(made, syscall, "path" if port is None else "port"))


def lookup_error(cause: "socket.gaierror | str", hostname: str) -> socket.gaierror:
    """Dress a failed name resolution as Node does: 'getaddrinfo ENOTFOUND name'."""
    number = getattr(socket, "EAI_NONAME", None) if isinstance(cause, str) else cause.errno
    code = cause if isinstance(cause, str) else _GAI_CODES.get(cause.errno or 0, "EAI_FAIL")
    made = socket.gaierror(f"getaddrinfo {code} {hostname}")
    made.errno = number
    made.code = code  # type: ignore[attr-defined]
    made.syscall = "getaddrinfo"  # type: ignore[attr-defined]
    made.hostname = hostname  # type: ignore[attr-defined]
    return cast(socket.gaierror, _with_cure(made, "getaddrinfo", None))
