"""What a process sees of itself: the figures that must be level.

Not on Windows, where a /proc can be there as well: Wine shows that of its host.
"""
import os

__all__ = ["descriptors", "resident"]


def resident() -> int:
    """Bytes of memory in use, 0 where that cannot be seen."""
    if os.name != "posix":
        return 0
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def descriptors() -> int:
    """Open descriptors, without the one that this look needs; 0 where that cannot be seen."""
    for folder in ("/proc/self/fd", "/dev/fd") if os.name == "posix" else ():
        if os.path.isdir(folder):
            return len(os.listdir(folder)) - 1
    return 0
