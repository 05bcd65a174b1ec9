"""Text to bytes and back as Node's `Buffer` and `StringDecoder` mean it, and Python's text codecs besides.

Node's names, in any case, have Node's meaning: lenient, never raising. Every other name is looked up among Python's
text codecs; there, decoding puts U+FFFD for what cannot be read (bytes come from a peer), and encoding is strict
(text comes from the program): `UnicodeEncodeError`. Another Python spelling of one of Node's names ('utf_8',
'us-ascii') is that name.

A JavaScript string is a sequence of UTF-16 units. Where Node's result depends on them (a lone surrogate, the "low byte
of each unit" of latin1) the same units are used here; a surrogate pair written as two code points is one character.
"""
from __future__ import annotations

import base64
import binascii
import codecs
import string
import sys
from typing import Callable, Dict, Protocol, Tuple, cast

from .errors import error

__all__ = ["Decoder", "decoder", "encode", "normalize", "undecoded"]

_NODE = {
    "": "utf8", "utf8": "utf8", "utf-8": "utf8",
    "utf16le": "utf16le", "utf-16le": "utf16le", "ucs2": "utf16le", "ucs-2": "utf16le",
    "latin1": "latin1", "binary": "latin1", "ascii": "ascii",
    "hex": "hex", "base64": "base64", "base64url": "base64url",
}
# Text codecs that work on host names or not at all: nothing that a stream could be decoded with.
_NOT_FOR_STREAMS = ("idna", "punycode", "undefined")


def normalize(encoding: object) -> str:
    """The canonical name of `encoding`: Node's ('utf8', 'latin1'), or the Python codec's ('cp1252').

    `None` and '' are 'utf8'. Anything else that is not the name of an encoding of text is `ERR_UNKNOWN_ENCODING`, the
    wrong type included, as in Node.
    """
    if encoding is None:
        return "utf8"
    if not isinstance(encoding, str):
        raise error("ERR_UNKNOWN_ENCODING", encoding=encoding)
    name = _NODE.get(encoding) or _NODE.get(encoding.lower())
    if name is not None:
        return name
    try:
        info = codecs.lookup(encoding)
        "".encode(encoding)     # a LookupError for codecs that are not of text, such as 'rot13' and 'zlib'
    except (LookupError, ValueError):
        raise error("ERR_UNKNOWN_ENCODING", encoding=encoding) from None
    if info.incrementaldecoder is None or info.name in _NOT_FOR_STREAMS:
        raise error("ERR_UNKNOWN_ENCODING", encoding=encoding)
    return _NODE.get(info.name, info.name)


def encode(text: str, encoding: object = "utf8") -> bytes:
    """The bytes of `text`: Node's `Buffer.from(text, encoding)`.

    Raises `ERR_UNKNOWN_ENCODING`, and `UnicodeEncodeError` from Python's codecs (never from Node's encodings).
    """
    name = normalize(encoding)
    encoder = _ENCODERS.get(name)
    return text.encode(name) if encoder is None else encoder(text)


class Decoder(Protocol):
    """What `decoder` returns: Node's `StringDecoder`."""

    def decode(self, data: bytes, final: bool = False) -> str:
        """The text that `data` completes; with `final`, what is left as well, and the decoder starts anew."""
        raise NotImplementedError


def decoder(encoding: object = "utf8") -> Decoder:
    """A new incremental decoder: no character is torn between two results. Raises `ERR_UNKNOWN_ENCODING`.

    Joined together, the results are Node's. A single one may hold more or less than Node's: what is complete is
    returned at once, and the halves of a surrogate pair stay together.
    """
    name = normalize(encoding)
    maker = _DECODERS.get(name)
    return _CodecDecoder(name) if maker is None else maker()


def undecoded(made: Decoder) -> bytes:
    """The bytes that a decoder keeps because their character is not complete."""
    if isinstance(made, _BlockDecoder):
        return made.rest
    getstate = getattr(made, "getstate", None)
    return bytes(getstate()[0]) if getstate is not None else b""


# --- encoding -----------------------------------------------------------------------------------------------------

def _units(text: str) -> bytes:
    """`text` in UTF-16, little-endian, lone surrogates included."""
    return text.encode("utf-16-le", "surrogatepass")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:      # surrogates: pairs become one character, lone ones U+FFFD
        return _units(text).decode("utf-16-le", "replace").encode()


def _low_bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return _units(text)[::2]


_HEX_DIGITS = string.hexdigits.encode()


def _unhex(text: str) -> bytes:
    """Pairs of digits up to the first that is none."""
    digits = _low_bytes(text)
    rest = digits.translate(None, _HEX_DIGITS)
    end = digits.index(rest[:1]) if rest else len(digits)
    return binascii.unhexlify(digits[:end & ~1])


_BASE64_DIGITS = (string.ascii_letters + string.digits + "+/").encode()
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_DIGITS))
_FROM_URL = bytes.maketrans(b"-_", b"+/")


def _unbase64(text: str) -> bytes:
    """Both alphabets, mixed at will; foreign characters are skipped, '=' ends it, an incomplete byte is dropped."""
    digits = _low_bytes(text).partition(b"=")[0].translate(_FROM_URL).translate(None, _NOT_BASE64)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


_ENCODERS: Dict[str, Callable[[str], bytes]] = {
    "utf8": _utf8, "utf16le": _units, "latin1": _low_bytes, "ascii": _low_bytes,
    "hex": _unhex, "base64": _unbase64, "base64url": _unbase64,
}


# --- decoding -----------------------------------------------------------------------------------------------------

_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))


class _AsciiDecoder:
    """The eighth bit of each byte is ignored."""

    __slots__ = ()

    def decode(self, data: bytes, final: bool = False) -> str:
        return bytes(data).translate(_SEVEN_BITS).decode("ascii")


class _HexDecoder:
    __slots__ = ()

    def decode(self, data: bytes, final: bool = False) -> str:
        return binascii.hexlify(data).decode("ascii")


class _BlockDecoder:
    """Collects bytes and decodes as many as make whole characters; the rest waits for more, or for the end."""

    __slots__ = ("rest",)

    def __init__(self) -> None:
        self.rest = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        data = self.rest + bytes(data)
        end = self._whole(data)
        if final:
            self.rest = b""
            return self._text(data[:end]) + self._last(data[end:])
        self.rest = data[end:]
        return self._text(data[:end])

    def _whole(self, data: bytes) -> int:
        raise NotImplementedError

    def _text(self, data: bytes) -> str:
        raise NotImplementedError

    def _last(self, data: bytes) -> str:
        return self._text(data)


class _Utf16Decoder(_BlockDecoder):
    """Lone surrogates pass, as in Node; half a unit at the end is dropped."""

    __slots__ = ()

    def _whole(self, data: bytes) -> int:
        end = len(data) & ~1
        if end and 0xD8 <= data[end - 1] <= 0xDB:       # the first half of a pair
            end -= 2
        return end

    def _text(self, data: bytes) -> str:
        return data.decode("utf-16-le", "surrogatepass")

    def _last(self, data: bytes) -> str:
        return self._text(data[:len(data) & ~1])


class _Base64Decoder(_BlockDecoder):
    """Groups of three bytes; what is left is padded at the end."""

    __slots__ = ()

    def _whole(self, data: bytes) -> int:
        return len(data) - len(data) % 3

    def _text(self, data: bytes) -> str:
        return binascii.b2a_base64(data, newline=False).decode("ascii")


class _Base64UrlDecoder(_Base64Decoder):
    """The same in the other alphabet and without padding."""

    __slots__ = ()

    def _text(self, data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


class _CodecDecoder:
    """A codec of Python's that never raises, whatever a peer sends: not all of them replace all that they cannot read.

    Without a byte order mark UTF-16 and UTF-32 have the order of this machine, as for `bytes.decode`.
    """

    __slots__ = ("_name", "_made", "_first")

    def __init__(self, name: str) -> None:
        self._name = name
        self._first = b""       # bytes that may be half a mark
        self._made = codecs.getincrementaldecoder(name)("replace") if name not in _MARKS else None

    def decode(self, data: bytes, final: bool = False) -> str:
        if self._made is None:
            data = self._first + data
            self._first = b""
            if not final and len(data) < len(_MARKS[self._name][0]):
                self._first = data
                return ""
            order = "" if data.startswith(_MARKS[self._name]) else "-le" if sys.byteorder == "little" else "-be"
            self._made = codecs.getincrementaldecoder(self._name + order)("replace")
        try:
            text = self._made.decode(data, final)
        except UnicodeError:        # such as the pending buffer of iso2022_jp_2004, which may run over
            self._made.reset()
            text = "\ufffd"
        if final and self._name in _MARKS:
            self._made = None
        return text

    def getstate(self) -> Tuple[bytes, int]:
        return (self._first, 0) if self._made is None else self._made.getstate()


_MARKS = {"utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)}


def _codec(name: str) -> Callable[[], Decoder]:
    made = codecs.getincrementaldecoder(name)
    return lambda: cast(Decoder, made("replace"))      # its parameter is named otherwise


_DECODERS: Dict[str, Callable[[], Decoder]] = {
    "utf8": _codec("utf-8"), "latin1": _codec("latin-1"), "utf16le": _Utf16Decoder, "ascii": _AsciiDecoder,
    "hex": _HexDecoder, "base64": _Base64Decoder, "base64url": _Base64UrlDecoder,
}
