"""Encodings: Node's names with Node's meaning, Python's text codecs, and decoding without torn characters.

The values that Node gives for arbitrary texts and bytes are in test_values_against_node.py.
"""
import sys

import pytest

from netcompat.encodings import decoder, encode, normalize


def decoded(encoding, *chunks):
    decoding = decoder(encoding)
    return [decoding.decode(chunk) for chunk in chunks] + [decoding.decode(b"", True)]


# --- names ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name, canonical", [
    ("utf8", "utf8"), ("UTF-8", "utf8"), ("ucs2", "utf16le"), ("UCS-2", "utf16le"), ("utf-16LE", "utf16le"),
    ("binary", "latin1"), ("Latin1", "latin1"), ("ASCII", "ascii"), ("Hex", "hex"), ("BASE64", "base64"),
    ("base64URL", "base64url"), ("", "utf8"), (None, "utf8")])
def test_a_name_of_node_is_known_in_any_case(name, canonical):
    assert normalize(name) == canonical


@pytest.mark.parametrize("name, canonical", [("utf_8", "utf8"), ("us-ascii", "ascii"), ("windows-1252", "cp1252"),
                                             ("shift_jis", "shift_jis"), ("iso-8859-1", "iso8859-1")])
def test_a_text_codec_of_python_is_known(name, canonical):
    assert normalize(name) == canonical
    assert normalize(canonical) == canonical


@pytest.mark.parametrize("name", ["utf9", "buffer", "rot13", "zlib", "hex_codec", "idna", "undefined", "a\0b",
                                  "\ud800", 5, b"utf8", True])
def test_what_is_no_encoding_of_text_is_an_unknown_encoding(name):
    for call in (normalize, decoder, lambda encoding: encode("a", encoding)):
        with pytest.raises(TypeError) as caught:
            call(name)
        assert caught.value.code == "ERR_UNKNOWN_ENCODING"


# --- encoding -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text, expected", [
    ("\ud800", "efbfbd"), ("a\udc00b", "61efbfbd62"), ("\U0001f600", "f09f9880"), ("\ud83d\ude00", "f09f9880"),
    ("\ude00\ud83d", "efbfbdefbfbd")])
def test_utf8_makes_a_replacement_character_of_a_lone_surrogate_only(text, expected):
    assert encode(text, "utf8").hex() == expected


@pytest.mark.parametrize("encoding", ["latin1", "binary", "ascii"])
def test_latin1_and_ascii_take_the_low_byte_of_each_utf16_unit(encoding):
    assert encode("é\u20ac\U0001f600", encoding).hex() == "e9ac3d00"


def test_utf16le_keeps_lone_surrogates():
    assert encode("\ud800a", "utf16le").hex() == "00d86100"


@pytest.mark.parametrize("text, expected", [("ABcd", "abcd"), ("abc", "ab"), ("abxx12", "ab"), ("abc-12", "ab"),
                                            (" ab", ""), ("", "")])
def test_hex_stops_at_the_first_pair_that_is_none(text, expected):
    assert encode(text, "hex").hex() == expected


@pytest.mark.parametrize("encoding", ["base64", "base64url"])
@pytest.mark.parametrize("text, expected", [
    ("YWJj", b"abc"), ("YWI=", b"ab"), ("YWI", b"ab"), ("YQ", b"a"), ("Y", b""), ("YW Jj\n", b"abc"),
    ("-_+/", b"\xfb\xff\xbf"), ("YQ==YQ==", b"a"), ("YW*Jj", b"abc"), ("====", b"")])
def test_base64_reads_both_alphabets_and_skips_what_belongs_to_neither(text, expected, encoding):
    assert encode(text, encoding) == expected


def test_a_python_codec_refuses_text_that_it_cannot_encode():
    assert encode("\u20ac", "cp1252") == b"\x80"
    with pytest.raises(UnicodeEncodeError):
        encode("\u0416", "cp1252")


# --- decoding -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("encoding", ["utf8", "utf16le", "utf-16", "utf-32", "shift_jis", "gb18030", "euc-jp"])
def test_no_character_is_torn_between_chunks(encoding):
    text = "a\u3042\u4e9cz" if encoding in ("shift_jis", "euc-jp") else "a\u3042\U0001f600z"
    pieces = decoded(encoding, *(bytes([byte]) for byte in encode(text, encoding)))
    assert "".join(pieces) == text
    assert all(len(piece) <= 1 for piece in pieces)


@pytest.mark.parametrize("data, expected", [
    ("e282", "\ufffd"), ("e28241", "\ufffdA"), ("f09f98", "\ufffd"), ("f0808080", "\ufffd" * 4),
    ("eda080", "\ufffd" * 3), ("c080", "\ufffd" * 2), ("efbbbf41", "\ufeffA")])
def test_utf8_has_as_many_replacement_characters_as_node(data, expected):
    data = bytes.fromhex(data)
    assert "".join(decoded("utf8", data)) == expected
    assert "".join(decoded("utf8", *(bytes([byte]) for byte in data))) == expected


def test_utf16le_passes_lone_surrogates_and_drops_half_a_unit():
    assert decoded("utf16le", b"\x3d\xd8", b"A\x00", b"\x00") == ["", "\ud83dA", "", ""]
    assert decoded("utf16le", b"\x00\xde\x3d\xd8") == ["\ude00", "\ud83d"]
    assert decoded("utf16le", b"\x3d\xd8\x00") == ["", "\ud83d"]


def test_ascii_ignores_the_eighth_bit():
    assert decoded("ascii", b"\x80\xffA") == ["\x00\x7fA", ""]


def test_latin1_and_hex_decode_each_byte_by_itself():
    assert decoded("latin1", b"\xe9", b"\xff") == ["é", "ÿ", ""]
    assert decoded("hex", b"\xab", b"\x01") == ["ab", "01", ""]


def test_base64_comes_in_groups_of_three_bytes_and_the_rest_at_the_end():
    assert decoded("base64", b"a", b"b", b"c") == ["", "", "YWJj", ""]
    assert decoded("base64", b"ab", b"cd") == ["", "YWJj", "ZA=="]


def test_base64url_has_its_own_alphabet_and_no_padding():
    assert decoded("base64url", b"\xfb\xff") == ["", "-_8"]


def test_a_python_codec_replaces_what_it_cannot_decode():
    assert decoded("cp1252", b"\x81\x80") == ["\ufffd\u20ac", ""]


@pytest.mark.parametrize("encoding", ["utf8", "utf16le", "base64"])
def test_a_decoder_starts_anew_after_the_end(encoding):
    decoding = decoder(encoding)
    decoding.decode(b"\xe2", True)
    assert decoding.decode(b"abcabc") == decoder(encoding).decode(b"abcabc")


@pytest.mark.parametrize("encoding", ["utf8", "latin1", "ascii", "hex", "base64", "utf16le"])
def test_a_decoder_takes_any_buffer(encoding):
    for made in (bytearray, memoryview):
        assert decoder(encoding).decode(made(b"abcabc"), True) == decoder(encoding).decode(b"abcabc", True)


@pytest.mark.parametrize("encoding, data", [("utf-16", "ab"), ("utf-32", "ab")])
def test_without_a_byte_order_mark_the_order_is_that_of_the_machine(encoding, data):
    plain = data.encode(encoding + ("-le" if sys.byteorder == "little" else "-be"))
    for pieces in ([plain], [plain[:1], plain[1:]]):
        made = decoder(encoding)
        assert "".join(made.decode(piece) for piece in pieces) + made.decode(b"", True) == data
    foreign = data.encode(encoding + ("-be" if sys.byteorder == "little" else "-le"))
    mark = "\ufeff".encode(encoding + ("-be" if sys.byteorder == "little" else "-le"))
    assert decoder(encoding).decode(mark + foreign, True) == data


def test_what_a_python_codec_cannot_keep_is_replaced():
    text = "".join(decoded("iso2022_jp_2004", b"\x1b(\xff($\x1b$\x1b", b"(B", b"plain"))
    assert "\ufffd" in text and text.endswith("plain")
