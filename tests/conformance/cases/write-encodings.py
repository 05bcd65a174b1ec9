"""Strings in Node's encodings."""
from prelude import pair


@pair(events="data")
def body(client, peer, server):
    for data, encoding in (
            ("68c3a9", "hex"), ("aMOp", "base64"), ("aMOp", "base64url"), ("h\u00e9", "latin1"),
            ("h\u00e9", "binary"), ("h\u00e9", "utf16le"), ("h\u00e9", "ucs2"), ("h\u00e9", "utf8"),
            ("h\u00e9", "utf-8"), ("h\u00e9", "ascii"), ("H\u00e9", "UTF8")):
        client.write(data, encoding)
    client.end()
