"""toJSON() and fromJSON()."""
from prelude import log, net

blocked = net.BlockList()
blocked.add_subnet("10.0.0.0", 8)
log("list", "json", blocked.to_json())
other = net.BlockList()
other.from_json(["Subnet: IPv4 10.0.0.0/8", "Address: IPv4 1.2.3.4", "Range: IPv4 2.2.2.2-2.2.2.9"])
log("other", "check", other.check("10.1.1.1"), other.check("1.2.3.4"), other.check("2.2.2.5"),
    other.check("2.2.3.0"))
