"""A chat client with a window: Tk on the main thread, the network beside it, and no lock between them.

    python3 examples/tk_chat.py                     two windows talk through a slow server, then everything ends
    python3 examples/tk_chat.py 127.0.0.1 8124 ann  one window; serve with `python3 examples/chat_server.py 8124`

`dispatch=queue.put` is what joins the two worlds: every listener of the socket becomes a call in the queue, and the
window runs what is queued from an `after` timer. So listeners touch widgets as they like, `write` is called from the
window's own callbacks, and however slow the other side is, the window never waits for it.
"""
import sys
import threading
import time
import tkinter
from pathlib import Path
from tkinter import ttk
from tkinter.scrolledtext import ScrolledText

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))     # so that it runs from a clone, uninstalled

import netcompat  # noqa: E402

PUMP = 15               # ms between two looks at the queue
LONGEST_PUMP = 0.01     # seconds that listeners may take of the window's time in one go


class ChatWindow:
    """One window, one connection. All of it runs on Tk's thread."""

    def __init__(self, window, port, host, name):
        self.window, self.name = window, name
        window.title("{} in the chat".format(name))
        window.protocol("WM_DELETE_WINDOW", self.close)
        self.text = ScrolledText(window, width=44, height=12, state="disabled", wrap="word")
        self.text.pack(fill="both", expand=True, padx=6, pady=6)
        self.entry = ttk.Entry(window)
        self.entry.pack(fill="x", padx=6, pady=(0, 6))
        self.entry.bind("<Return>", self.say)
        self.entry.focus()
        self.status = ttk.Label(window, text="connecting to {}:{} …".format(host, port))
        self.status.pack(anchor="w", padx=6, pady=(0, 6))

        self.queue = netcompat.EventQueue()
        self.socket = netcompat.connect(port, host, dispatch=self.queue.put)
        self.socket.set_encoding("utf-8")
        self.socket.on("connect", lambda: self.status.config(text="connected"))
        self.socket.on("data", self.show)
        self.socket.on("error", lambda error: self.status.config(text=str(error)))
        self.socket.on("close", lambda had_error: self.entry.config(state="disabled"))
        self.pump()

    def pump(self):
        """Run the listeners of what has happened, then come again."""
        self.queue.run_pending(LONGEST_PUMP)
        self.timer = self.window.after(PUMP, self.pump)

    def say(self, _=None):
        """Return was pressed. `write` sends or queues, and never waits."""
        line = self.entry.get()
        self.entry.delete(0, "end")
        if line:
            self.socket.write("{}: {}\n".format(self.name, line))
            self.show("you: {}\n".format(line))

    def show(self, text):
        self.text.config(state="normal")
        self.text.insert("end", text)
        self.text.config(state="disabled")
        self.text.see("end")

    def close(self):
        """The window is closed: so is the connection, at once, and its listeners have nothing left to touch."""
        self.window.after_cancel(self.timer)
        self.socket.destroy()
        self.window.destroy()


def serve_slowly(delay):
    """A chat server whose handlers are straight blocking code, and take their time over each line."""
    members, lock = [], threading.Lock()

    def on_connection(socket):
        with lock:
            members.append(socket)
        with socket, socket.makefile("rb") as file:
            for line in file:
                time.sleep(delay)               # a database, a spell checker, …
                with lock:
                    for member in members:
                        if member is not socket:
                            member.write(line)

    return netcompat.create_server(on_connection).listen(0, "127.0.0.1")


def talk_to_myself():
    """Ann and Bob type by themselves. Prints how long the windows' thread was ever kept from its work."""
    root = tkinter.Tk()
    server = serve_slowly(delay=0.2)
    port = server.address().port
    other = tkinter.Toplevel(root)
    root.geometry("+20+20")
    other.geometry("+440+60")
    ann, bob = ChatWindow(root, port, "127.0.0.1", "ann"), ChatWindow(other, port, "127.0.0.1", "bob")
    beats = [time.monotonic()]

    def beat():
        beats.append(time.monotonic())
        root.after(5, beat)

    def type_in(who, line):
        who.entry.insert("end", line)
        who.say()

    def watch():
        if time.monotonic() > beats[0] + 10:
            sys.exit("nothing was heard for ten seconds")
        if "very" in ann.text.get("1.0", "end") and "slow" in bob.text.get("1.0", "end"):
            bob.close()
            ann.close()             # the last window: the main loop ends
        else:
            root.after(20, watch)

    root.after(50, beat)
    root.after(250, type_in, ann, "hello bob, is this server slow?")
    root.after(350, type_in, bob, "very: its handlers sleep over every line")
    root.after(400, type_in, ann, "and yet I can type")
    root.after(300, watch)
    root.mainloop()
    gap = max(after - before for before, after in zip(beats[1:], beats[2:]))
    print("two windows talked; the longest pause of their thread was {:.0f} ms".format(1000 * gap))
    server.shutdown(1.0)


def main(arguments):
    if not arguments:
        try:
            talk_to_myself()
        except tkinter.TclError as problem:
            if "display" not in str(problem):
                raise
            print("there is no display to open a window on:", problem)
        return
    host, port, name = arguments
    root = tkinter.Tk()
    ChatWindow(root, port, host, name)
    root.mainloop()


if __name__ == "__main__":
    main(sys.argv[1:])
