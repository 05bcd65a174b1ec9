"""SocketAddress with bad arguments."""
from prelude import attempt, net

for options in ({"address": "x"}, {"address": "::1"}, {"address": "1.2.3.4", "family": "ipv6"}, {"family": "ipv5"},
                {"port": -1}, {"port": 65536}, {"flowlabel": -1, "family": "ipv6", "address": "::1"},
                {"address": 5}):
    attempt("address", "new", lambda: bool(net.SocketAddress(**options)))
