"""Who may open a named pipe: the access list that Windows keeps with it."""
from __future__ import annotations

import sys

if sys.platform != "win32":
    raise ImportError("this module is for Windows")

import ctypes
import functools
from typing import Any, Optional, Type

__all__ = ["AccessList"]

_ADVAPI = ctypes.WinDLL("advapi32", use_last_error=True)
_KERNEL = ctypes.WinDLL("kernel32", use_last_error=True)
_KERNEL.GetCurrentProcess.restype = ctypes.c_void_p
_KERNEL.CloseHandle.argtypes = _KERNEL.LocalFree.argtypes = (ctypes.c_void_p,)
_ADVAPI.OpenProcessToken.argtypes = (ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p)
_ADVAPI.GetTokenInformation.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p)
_ADVAPI.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
_ADVAPI.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    ctypes.c_wchar_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.c_void_p)

_TOKEN_QUERY, _TOKEN_USER = 8, 1
# What Node grants to all: with reading goes what a client needs to set its mode of reading, with writing to ask for it.
_READ, _WRITE = 0x80000000 | 0x0100, 0x40000000 | 0x0080


class _SecurityAttributes(ctypes.Structure):
    _fields_ = (("nLength", ctypes.c_ulong), ("lpSecurityDescriptor", ctypes.c_void_p),
                ("bInheritHandle", ctypes.c_int))


class AccessList:
    """`with AccessList(mode) as address:` the address of SECURITY_ATTRIBUTES. Raises `OSError`.

    The user that the process runs as may do everything; everybody else what the bits for others in `mode` say, and
    `None` says nothing.
    """

    def __init__(self, mode: Optional[int]) -> None:
        self.text = describe(mode)
        self._descriptor = ctypes.c_void_p()
        self._attributes: Any = None

    def __enter__(self) -> int:
        _check(_ADVAPI.ConvertStringSecurityDescriptorToSecurityDescriptorW(
            self.text, 1, ctypes.byref(self._descriptor), None))
        self._attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), self._descriptor, 0)
        return ctypes.addressof(self._attributes)

    def __exit__(self, kind: Optional[Type[BaseException]], *_: object) -> None:
        _KERNEL.LocalFree(self._descriptor)


def describe(mode: Optional[int]) -> str:
    """The list in Windows' notation (SDDL)."""
    others = ((_READ if (mode or 0) & 0o004 else 0) | (_WRITE if (mode or 0) & 0o002 else 0))
    text = f"D:P(A;;GA;;;{_user()})"
    return text + (f"(A;;0x{others:08x};;;WD)" if others else "")


@functools.lru_cache(maxsize=1)
def _user() -> str:
    """The user that the process runs as, in Windows' notation ('S-1-5-…')."""
    token = ctypes.c_void_p()
    _check(_ADVAPI.OpenProcessToken(_KERNEL.GetCurrentProcess(), _TOKEN_QUERY, ctypes.byref(token)))
    try:
        size = ctypes.c_ulong()
        _ADVAPI.GetTokenInformation(token, _TOKEN_USER, None, 0, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        _check(_ADVAPI.GetTokenInformation(token, _TOKEN_USER, buffer, size, ctypes.byref(size)))
    finally:
        _KERNEL.CloseHandle(token)
    text = ctypes.c_wchar_p()
    # TOKEN_USER begins with the address of the identifier.
    _check(_ADVAPI.ConvertSidToStringSidW(ctypes.c_void_p.from_buffer(buffer), ctypes.byref(text)))
    try:
        return str(text.value)
    finally:
        _KERNEL.LocalFree(text)


def _check(result: int) -> None:
    if not result:
        number = ctypes.get_last_error()
        raise OSError(None, ctypes.FormatError(number), None, number)
