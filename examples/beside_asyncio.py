"""netcompat beside asyncio: a netcompat server whose listeners run on the event loop's thread.

    python3 examples/beside_asyncio.py

`dispatch=loop.call_soon_threadsafe` is all: the listeners may then touch everything that belongs to the loop. What
netcompat would block on is awaited through a future.
"""
import asyncio
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402


async def main():
    loop = asyncio.get_running_loop()
    loop_thread = threading.current_thread()
    lines = asyncio.Queue()

    def on_connection(socket):
        assert threading.current_thread() is loop_thread
        socket.set_encoding("utf-8")
        socket.on("data", lines.put_nowait)         # an asyncio object, used without a lock: we are on its thread
        socket.on("end", lambda: lines.put_nowait(None))

    server = netcompat.create_server(on_connection, dispatch=loop.call_soon_threadsafe)
    async with server.listen(0, "127.0.0.1"):       # closed at the end, awaited, not blocked on
        # The client is asyncio's own.
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address().port)
        writer.write("hello from asyncio".encode())
        writer.write_eof()
        text = ""
        while True:
            chunk = await lines.get()
            if chunk is None:
                break
            text += chunk
        print("netcompat received:", text)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

        # And the other way round: a blocking helper, on asyncio's executor.
        def blocking_client(port):
            with netcompat.connect(port, "127.0.0.1") as socket:
                socket.sendall(b"hello from a thread")
            return "sent"

        print("executor:", await loop.run_in_executor(None, blocking_client, server.address().port))
        print("netcompat received:", await lines.get())
    print("closed")


if __name__ == "__main__":
    asyncio.run(main())
