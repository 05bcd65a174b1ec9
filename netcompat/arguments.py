"""Checked arguments: what several public calls have in common, so that each mistake gets the same error everywhere."""
from __future__ import annotations

import os
import socket as stdlib_socket
import sys
from typing import Any, List, Optional, Tuple, Union

from .blocklist import BlockList
from .errors import invalid_type, invalid_value, out_of_range


def split_place(name: str, args: Tuple[Any, ...]) -> Tuple[Any, List[Any], Any]:
    """Positional arguments of `connect` and `listen`: (the first, all but the callback, the callback)."""
    rest = list(args)
    callback = None
    if rest and callable(rest[-1]):
        callback = rest.pop()
    if not rest:
        return None, rest, callback
    first = rest[0]
    if isinstance(first, dict):
        raise invalid_type(name, "a port or a path; options are keyword arguments", first)
    return first, rest, callback


def is_path(value: Any) -> bool:
    """Is a first positional argument an IPC path (and not a port)?"""
    if isinstance(value, str):
        return not (value.isascii() and value.isdigit())
    return isinstance(value, (bytes, os.PathLike))


def check_path(path: Any) -> Union[str, bytes]:
    """An IPC path as `str` or `bytes`."""
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if not isinstance(path, (str, bytes)):
        raise invalid_type("path", "str, bytes or os.PathLike", path)
    if not path:
        raise invalid_value("path", "must not be empty", path)
    nul = "\0" if isinstance(path, str) else b"\0"
    if path[:1] == nul:
        if not hasattr(stdlib_socket, "AF_UNIX") or not sys.platform.startswith("linux"):
            raise invalid_value("path", "must not be abstract on this system", path)
    elif nul in path:           # type: ignore[operator]
        raise invalid_value("path", "must not contain a NUL byte", path)
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        raise invalid_value("path", "must be encodable by the file system", path) from None
    return path


def check_host(name: str, host: Any) -> str:
    if not isinstance(host, str):
        raise invalid_type(name, "str", host)
    if "\0" in host:
        raise invalid_value(name, "must not contain a NUL byte", host)
    return host


def check_int(name: str, value: Any, low: int = 0, high: int = 4294967295) -> int:
    """`value` as it is, if it is an int from `low` to `high` (by default: what Node takes for milliseconds)."""
    if isinstance(value, float):
        raise out_of_range(name, "an integer", value)       # as Node has it: right kind, wrong number
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_type(name, "int", value)
    if not low <= value <= high:
        raise out_of_range(name, f">= {low} and <= {high}", value)
    return int(value)


def check_mark(value: Any) -> int:
    """A high-water mark, in bytes. A bad number is an `ERR_INVALID_ARG_VALUE` here, as in Node's options."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not (value >= 0 and value == int(value)):
        raise invalid_value("high_water_mark", "must be an integer >= 0", value)
    return check_int("high_water_mark", value, 0, sys.maxsize)


def check_msecs(name: str, value: Any) -> float:
    """Milliseconds, which may have a fraction."""
    if isinstance(value, float):
        if not 0 <= value <= 4294967295:
            raise out_of_range(name, ">= 0 and <= 4294967295", value)
        return value
    return check_int(name, value)


def check_dispatch(dispatch: Any) -> None:
    if dispatch is not None and not callable(dispatch):
        raise invalid_type("dispatch", "a callable or None", dispatch)


def check_block_list(block_list: Any) -> Optional[BlockList]:
    if block_list is not None and not isinstance(block_list, BlockList):
        raise invalid_type("block_list", "a BlockList or None", block_list)
    return block_list


def check_signal(signal: Any) -> Any:
    if signal is not None and not (hasattr(signal, "aborted") and callable(getattr(signal, "on", None))):
        raise invalid_type("signal", "an AbortSignal or None", signal)
    return signal


def whole_seconds(msecs: Optional[float]) -> int:
    return int(msecs / 1000) if msecs else 0


def check_callback(callback: Any, name: str = "callback") -> None:
    if callback is not None and not callable(callback):
        raise invalid_type(name, "a callable or None", callback)


def split_callback(first: Any, second: Any, default: Any) -> Tuple[Any, Any]:
    """`f(value, callback)` and `f(callback)`: a callable in the place of the value is the callback."""
    if callable(first) and second is None:
        return default, first
    check_callback(second)
    return first, second
