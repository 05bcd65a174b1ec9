"""examples/tk_chat.py on a real display (Xvfb): two windows chat through a server whose handlers block, their thread is
never kept from its work, and closed windows leave no thread behind."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import script_environment

ROOT = Path(__file__).resolve().parent.parent
pytest.importorskip("tkinter", reason="this Python has no tkinter")


def test_the_example_talks_to_itself(display: str) -> None:
    done = subprocess.run([sys.executable, "-W", "error", str(ROOT / "examples" / "tk_chat.py")],
                          env=script_environment({"DISPLAY": display}), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=40, universal_newlines=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("two windows talked")


def test_windows_chat_while_handlers_block_and_are_never_frozen(display: str, run_script: Any) -> None:
    """Keys are pressed in the entries, windows are closed as a window manager would; the server's handlers, in the same
    process, block for half a second for each line."""
    result = run_script(f"""
        import sys, threading, time, tkinter
        sys.path.insert(0, {str(ROOT / "examples")!r})
        import netcompat, tk_chat

        BLOCKED = 0.5
        before = set(threading.enumerate())
        root = tkinter.Tk()
        other = tkinter.Toplevel(root)
        server = tk_chat.serve_slowly(BLOCKED)
        port = server.address().port
        ann = tk_chat.ChatWindow(root, port, "127.0.0.1", "ann")
        bob = tk_chat.ChatWindow(other, port, "127.0.0.1", "bob")
        beats, here = [], threading.current_thread()
        show = bob.show

        def checked(text):
            assert threading.current_thread() is here
            show(text)

        bob.socket.off("data", bob.show)
        bob.socket.on("data", checked)

        def beat():
            beats.append(time.monotonic())
            root.after(5, beat)

        def type_in(window, text):
            window.entry.focus_force()
            for character in text:
                window.entry.event_generate("<Key>", keysym={{" ": "space"}}.get(character, character))
            window.entry.event_generate("<Return>")

        def seen(window):
            return window.text.get("1.0", "end").splitlines()

        def close(window):
            root.tk.call(*root.tk.splitlist(window.window.protocol("WM_DELETE_WINDOW")))

        def watch():
            if "ann: hello bob" in seen(bob) and "bob: hello ann" in seen(ann) and "ann: second" in seen(bob):
                close(bob)
                close(ann)
            elif time.monotonic() > beats[0] + 25:
                print(seen(ann), seen(bob))
                root.destroy()
            else:
                root.after(20, watch)

        root.update()
        root.after(50, beat)
        root.after(200, type_in, ann, "hello bob")
        root.after(250, type_in, ann, "second")
        root.after(300, type_in, bob, "hello ann")
        root.after(400, watch)
        root.mainloop()
        began = time.monotonic()
        server.shutdown(5)
        while set(threading.enumerate()) - before and time.monotonic() < began + 10:
            time.sleep(0.01)
        left = set(threading.enumerate()) - before
        gap = max(after - first for first, after in zip(beats[1:], beats[2:]))
        print("left:", left or "none")
        print("frozen:", gap >= BLOCKED)        # tools/gui_pauses.py measures it
    """, env={"DISPLAY": display}, timeout=50)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    assert result.stdout.splitlines() == ["left: none", "frozen: False"]
