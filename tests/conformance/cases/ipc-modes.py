"""readableAll and writableAll set the mode of the path."""
import os

from prelude import log, net, tmp

FORMS = [{}, {"readable_all": True}, {"writable_all": True}, {"readable_all": True, "writable_all": True}]


def step(index):
    if index == len(FORMS):
        return
    server = net.create_server()

    def listening():
        log("path", "others", oct(os.stat(tmp("a.sock")).st_mode & 0o66)[2:])
        server.close(lambda *error: step(index + 1))

    server.listen(path=tmp("a.sock"), callback=listening, **FORMS[index])


os.umask(0o077)
step(0)
