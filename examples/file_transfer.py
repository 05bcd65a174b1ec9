"""Send a file with progress, no faster than the receiver takes it, and without having it in memory.

    python3 examples/file_transfer.py

Each side is shown in both styles: the sender with `pipe`'s building blocks ('drain'), the receiver with `pipe` into a
file; then the whole thing again as blocking code (`sendall`, iteration).
"""
import hashlib
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402

SIZE = 16 << 20
CHUNK = 256 << 10


class Progress:
    """Prints every quarter."""

    def __init__(self, total):
        self.total, self.shown = total, 0

    def at(self, count):
        quarter = 4 * count // self.total
        if quarter > self.shown:
            self.shown = quarter
            print("  {:3d} %".format(25 * quarter))


def send_with_events(socket, file, total):
    """Write until `write` says that bytes are queued; go on at 'drain'."""
    progress = Progress(total)

    def pump():
        for chunk in iter(lambda: file.read(CHUNK), b""):
            room = socket.write(chunk)
            progress.at(socket.bytes_written)
            if not room:
                return                  # the kernel is full: 'drain' calls again
        socket.off("drain", pump)
        socket.end()

    socket.on("drain", pump)
    socket.on("connect", pump)


def send_blocking(socket, file, total):
    """The same, straight: `sendall` waits until the kernel has taken the chunk."""
    progress = Progress(total)
    with socket:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            socket.sendall(chunk)
            progress.at(socket.bytes_written)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    with tempfile.TemporaryDirectory() as folder:
        source, first, second = (Path(folder) / name for name in ("source", "first", "second"))
        source.write_bytes(os.urandom(SIZE))

        print("events:")
        receiver = netcompat.create_server(lambda socket: socket.pipe(first.open("wb")))    # closes the file at the end
        receiver.listen(0, "127.0.0.1")
        with source.open("rb") as file:
            sender = netcompat.connect(receiver.address().port, "127.0.0.1")
            send_with_events(sender, file, SIZE)
            sender.wait_for("close", 30)
        receiver.shutdown(30)

        print("blocking:")

        def receive(socket):
            with socket, second.open("wb") as file:
                for chunk in socket:
                    file.write(chunk)

        receiver = netcompat.create_server(receive).listen(0, "127.0.0.1")
        with source.open("rb") as file:
            send_blocking(netcompat.connect(receiver.address().port, "127.0.0.1"), file, SIZE)
        receiver.shutdown(30)

        assert digest(source) == digest(first) == digest(second)
        print("{} MiB arrived twice, byte for byte".format(SIZE >> 20))


if __name__ == "__main__":
    main()
