"""readableHighWaterMark: the default, a given one, the default changed."""
from prelude import net, props

one = net.Socket()
props("one", one, "readable_high_water_mark writable_high_water_mark")
two = net.Socket(high_water_mark=1000)
props("two", two, "readable_high_water_mark writable_high_water_mark")
net.set_default_high_water_mark(2000)
three = net.Socket()
props("three", three, "readable_high_water_mark writable_high_water_mark")
