"""Text in Node's encodings."""
from prelude import ends


def speak(client):
    client.write("68c3a9", "hex")
    client.write("aMOp", "base64")
    client.write("h\u00e9", "latin1")
    client.end("h\u00e9", "utf16le")


ends(client=speak, events="data")
