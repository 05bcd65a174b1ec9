#!/usr/bin/env python3
"""Measure `BlockList`: what adding and checking cost with 100, 1000, ... rules.

    tools/blocklist_speed.py [--rules 100 1000 10000 100000]
"""
import argparse
import ipaddress
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from netcompat.blocklist import BlockList  # noqa: E402


def benchmark(rules, checks=20000, seed=1):
    """Microseconds: per rule added one by one, for the first check, per later check, per rule added between checks."""
    rng = random.Random(seed)
    texts = [str(ipaddress.IPv4Address(number)) for number in rng.sample(range(1 << 32), rules + checks)]
    block_list = BlockList()
    began = time.perf_counter()
    for text in texts[:rules]:
        block_list.add_address(text)
    added = time.perf_counter()
    block_list.check("::")
    sorted_ = time.perf_counter()
    for text in texts[-checks:]:
        block_list.check(text)
    checked = time.perf_counter()
    for text in texts[-200:]:
        block_list.add_address(text)
        block_list.check(text)
    ended = time.perf_counter()
    return [1e6 * seconds for seconds in ((added - began) / rules, sorted_ - added, (checked - sorted_) / checks,
                                          (ended - checked) / 200)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rules", type=int, nargs="+", default=[100, 1000, 10000, 100000])
    print("%8s %12s %14s %12s %20s" % ("rules", "add, µs", "1st check, µs", "check, µs", "add and check, µs"))
    for rules in parser.parse_args().rules:
        print("%8d %12.2f %14.1f %12.2f %20.2f" % tuple([rules] + benchmark(rules)))


if __name__ == "__main__":
    main()
