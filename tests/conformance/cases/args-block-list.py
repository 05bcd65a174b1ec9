"""A block list that is none."""
from prelude import attempt, net

attempt("socket", "blockList", lambda: bool(net.Socket(block_list="x")))
attempt("server", "blockList", lambda: bool(net.create_server(block_list={})))
