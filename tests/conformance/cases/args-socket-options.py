"""new Socket() with options of the wrong kind."""
from prelude import attempt, net

attempt("socket", "highWaterMark", lambda: bool(net.Socket(high_water_mark=-1)))
attempt("socket", "signal", lambda: bool(net.Socket(signal="x")))
attempt("socket", "fd", lambda: bool(net.Socket(fd=-1)))
attempt("socket", "fd", lambda: bool(net.Socket(fd="x")))
