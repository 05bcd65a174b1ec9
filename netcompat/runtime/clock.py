"""The clock of timers: seconds that only grow, in steps finer than what they measure.

Before Python 3.13, `time.monotonic` moves in steps of 16 ms on Windows: timers would fire early by so much, and no
listener would ever seem quick. The other clock of that system has no such steps. Moments that are compared with each
other come from this one.
"""
from __future__ import annotations

import sys
import time

__all__ = ["monotonic"]

monotonic = time.perf_counter if sys.platform == "win32" and sys.version_info < (3, 13) else time.monotonic
