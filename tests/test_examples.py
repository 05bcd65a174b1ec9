"""Each example runs as it stands, talks to itself, and ends by itself in good time."""
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
LIMIT = 3.0         # seconds, as the examples promise
NEEDS_UNIX = {"ipc.py"}
NEEDS_PROCESSES = {"workers.py"}
NEEDS_TK = {"tk_chat.py"}


def test_there_are_examples():
    assert {path.name for path in EXAMPLES} >= {
        "echo.py", "chat_server.py", "blocking_client.py", "file_transfer.py", "line_server.py", "proxy.py", "ipc.py",
        "beside_asyncio.py", "plugin.py", "tk_chat.py", "old_handler.py"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path, tmp_path):
    if path.name in NEEDS_UNIX and sys.platform == "win32":
        pytest.skip("needs Unix-domain sockets")
    if path.name in NEEDS_PROCESSES and sys.platform == "win32":
        pytest.skip("clusters do not run on Windows yet")
    if path.name in NEEDS_TK:
        tkinter = pytest.importorskip("tkinter")
        try:
            tkinter.Tcl()
        except tkinter.TclError:        # the module is there, Tcl's own library is not
            pytest.skip("this Python has no Tcl")
    output = tmp_path / "output"
    started = time.monotonic()
    with output.open("wb") as file:         # no pipe: what an example leaves behind could hold it open
        process = subprocess.Popen([sys.executable, "-W", "error", str(path)], cwd=str(tmp_path),
                                   stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
        try:
            status = process.wait(10 * LIMIT)       # a busy machine is no reason to fail: the limit is checked below
        finally:
            process.kill()
            process.wait()
    seconds = time.monotonic() - started
    text = output.read_text(encoding="utf-8", errors="replace")
    assert status == 0, text
    assert "Traceback" not in text and "Exception" not in text, text
    assert text.strip(), "an example shows what it does"
    assert seconds < LIMIT or _is_busy(), "{:.1f} s\n{}".format(seconds, text)


def _is_busy():
    """Do more programs want to run than there are cores? Where the system does not tell, it may be."""
    import os
    return not hasattr(os, "getloadavg") or os.getloadavg()[0] > (os.cpu_count() or 1)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_needs_nothing_installed(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""') and "python3 examples/{}".format(path.name) in text
    assert max(map(len, text.splitlines())) <= 120
