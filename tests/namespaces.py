"""Networks that a test makes for itself: a network namespace, and a TUN device whose packets the test handles.

What runs there is a program of its own, since a process cannot leave a namespace. Linux, and root; else it is skipped.
"""
import subprocess
import sys
import textwrap
from typing import Callable, List

import pytest

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")

NAMESPACE = """
    import ctypes, errno, fcntl, os, shutil, struct, subprocess, sys, threading, time

    def skip(reason):
        print('skip:', reason)
        sys.exit(0)

    def ip(command):
        subprocess.check_call(['ip'] + command.split())

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000):            # CLONE_NEWNET
        skip('no network namespace: ' + os.strerror(ctypes.get_errno()))
    if not shutil.which('ip'):
        skip('no ip command')
    ip('link set lo up')
"""

# What is sent to ROAD comes back as if it had been sent from there: who listens at HERE answers in its name. The first
# packet of each connection waits `delays[ROAD]` seconds. What is sent to another address of that network is swallowed,
# as everything is while `partition` is set.
TUN = """
    HERE, ROAD, DEAD, DEAD_TOO = '10.77.0.1', '10.77.0.2', '10.77.0.3', '10.77.0.4'
    try:
        tun = os.open('/dev/net/tun', os.O_RDWR)
        fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'tun0', 0x1001))       # TUNSETIFF: TUN, no header
        ip('addr add 10.77.0.1/24 dev tun0')
        ip('link set tun0 up')
    except (OSError, subprocess.CalledProcessError) as problem:
        skip('no TUN device: {}'.format(problem))

    delays = {ROAD: 0.0}
    partition = threading.Event()
    swallowed = 0           # packets, by the partition

    def reflect():
        global swallowed
        while True:
            packet = bytearray(os.read(tun, 65536))
            if packet[0] >> 4 != 4:
                continue
            target = '.'.join(map(str, packet[16:20]))
            if target not in delays:
                continue
            if partition.is_set():
                swallowed += 1
                continue
            header = (packet[0] & 15) * 4
            is_syn = packet[9] == 6 and packet[header + 13] & 0x12 == 0x02
            packet[12:16], packet[16:20] = packet[16:20], packet[12:16]     # the checksums stay right
            if is_syn and delays[target]:
                threading.Timer(delays[target], os.write, (tun, bytes(packet))).start()
            else:
                os.write(tun, bytes(packet))
    threading.Thread(target=reflect, daemon=True).start()
"""


def in_namespace(run_script: "Callable[..., subprocess.CompletedProcess[str]]", *parts: str,
                 arguments: "tuple" = ()) -> List[str]:
    """Runs a program made of `parts` in a namespace; the lines that it prints."""
    done = run_script("".join(textwrap.dedent(part) for part in (NAMESPACE, *parts)), *arguments)
    if done.stdout.startswith("skip:"):
        pytest.skip(done.stdout.strip())
    assert done.stderr == ""
    return done.stdout.splitlines()
