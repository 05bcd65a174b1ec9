"""connect() with arguments of the wrong kind."""
from prelude import attempt, net

socket = net.Socket()
attempt("socket", "host", lambda: bool(socket.connect(port=1, host=5)))
attempt("socket", "path", lambda: bool(socket.connect(path=5)))
attempt("socket", "localAddress", lambda: bool(socket.connect(port=1, host="127.0.0.1", local_address="x")))
attempt("socket", "localPort", lambda: bool(socket.connect(port=1, host="127.0.0.1", local_port="x")))
attempt("socket", "autoSelectFamily", lambda: bool(socket.connect(port=1, host="a.test", auto_select_family=5)))
attempt("socket", "attemptTimeout", lambda: bool(
    socket.connect(port=1, host="a.test", auto_select_family_attempt_timeout=-1)))
socket.destroy()
