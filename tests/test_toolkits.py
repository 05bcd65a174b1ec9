"""One line joins netcompat and a toolkit: `dispatch` with the toolkit's own means, as docs/guide-gui.md has it.

Each program chats with a server and checks that every listener runs on the toolkit's thread. What is not installed is
skipped; asyncio and `EventQueue` are always there (tests/test_dispatch.py, tests/test_tk_chat.py).
"""
from __future__ import annotations

import importlib.util
from typing import Any

import pytest

# Set by each program: `dispatch`, `run` (the toolkit's loop) and `leave` (end it, on its thread).
COMMON = """
    import threading
    import netcompat

    server = netcompat.create_server(lambda socket: socket.pipe(socket)).listen(0, "127.0.0.1")
    here, seen, elsewhere = threading.current_thread(), [], []

    def note(what):
        seen.append(what)
        if threading.current_thread() is not here:
            elsewhere.append(what)

    def ended():
        note("end")
        client.destroy()

    def closed(had_error):
        note("close")
        leave()

    client = netcompat.connect(server.address().port, "127.0.0.1", dispatch=dispatch)
    client.set_encoding("utf-8")
    client.on("connect", lambda: (note("connect"), client.end("hello")))
    client.on("data", note)
    client.on("end", ended)
    client.on("close", closed)
    client.on("error", lambda error: (note(error), leave()))
    run()
    netcompat.shutdown(5)
    print(seen, elsewhere, threading.enumerate() == [here] or threading.enumerate())
"""

WX = """
    import wx
    app = wx.App()
    frame = wx.Frame(None)          # `MainLoop` ends with the last window
    frame.Show()
    dispatch, run, leave = wx.CallAfter, app.MainLoop, frame.Destroy
"""

SIGNAL = """
    class Bridge(QtCore.QObject):
        call = Signal(object)

        def __init__(self):
            super().__init__()
            self.call.connect(self.run, QtCore.Qt.ConnectionType.QueuedConnection)

        def run(self, call):
            call()

    app = QtCore.QCoreApplication([])
    bridge = Bridge()
    dispatch, run, leave = bridge.call.emit, getattr(app, "exec", None) or app.exec_, app.quit
"""

QT = """
    from {binding} import QtCore
    Signal = getattr(QtCore, "Signal", None) or QtCore.pyqtSignal
""" + SIGNAL

GLIB = """
    from gi.repository import GLib
    loop = GLib.MainLoop()
    dispatch, run, leave = GLib.idle_add, loop.run, loop.quit
"""


@pytest.mark.parametrize("module, program, window", [
    ("wx", WX, True),
    ("PyQt5", QT.format(binding="PyQt5"), False),
    ("PyQt6", QT.format(binding="PyQt6"), False),
    ("PySide6", QT.format(binding="PySide6"), False),
    ("gi", GLIB, False),
], ids=["wx", "PyQt5", "PyQt6", "PySide6", "GLib"])
def test_listeners_run_on_the_toolkits_thread(module: str, program: str, window: bool, request: Any,
                                              run_script: Any) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    env = {"DISPLAY": request.getfixturevalue("display")} if window else None
    done = run_script(program + COMMON, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['connect', 'hello', 'end', 'close'] [] True\n", done.stderr
