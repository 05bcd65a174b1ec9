"""Compare netcompat with its neighbours: whole processes, in turns, medians and ratios.

    python3 tools/bench.py [--only PATTERN ...] [--rounds N] [--results FILE] [--report docs/performance.md]

Machines are noisy, so a single absolute says little: the sides of a cell run in turns, one round after the other, and
what counts is the ratio within a round. The load is a C program where a compiler is at hand, else Python. Patterns fit
the names of cells (`echo-50x*`) and of goals (`goal-*`, which run only the sides that the goal compares); `--list`
shows them. `--quick` runs a bit of everything once, to see that it works; its figures mean nothing.

With `--results` what was measured is kept in a file, and added to what is there. A long run can be cut into slices:

    python3 tools/bench.py --only 'goal-*' --results bench.json --resume --time-limit 240      # again and again
    python3 tools/bench.py --results bench.json --report docs/performance.md --only ''         # measures nothing

uvloop, gevent, trio and Twisted are compared where `--peer-python` (else `--python`) has them, Node where there is one,
free-threaded CPython where `--free-threaded` names one.
"""
from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

from bench_measure import Bench, Failed, Figures, Limit, make_folder
from bench_report import Series, Spread, figures_of, number, ratios, verdict_lines, verdicts, write_report
from bench_workloads import CELLS, GOALS, Cell, Side

WARM_UP = 1         # rounds that are not counted
QUICK_SECONDS, QUICK_SCALE = 0.15, 0.01


def choose(patterns: List[str], quick: bool = False,
           against: Optional[List[str]] = None) -> List[Tuple[Cell, List[Side]]]:
    """The cells to run, each with the sides to run of it."""
    wanted: Dict[str, Set[str]] = {}
    for pattern in patterns:
        if pattern.startswith("goal"):
            for goal in GOALS:
                if fnmatch.fnmatch(goal.name, pattern):
                    for comparison in goal.comparisons:
                        sides = wanted.setdefault(comparison.cell, set())
                        sides.update(filter(None, (comparison.ours, comparison.theirs)))
        else:
            for cell in CELLS:
                if fnmatch.fnmatch(cell.name, pattern):
                    wanted.setdefault(cell.name, set()).update(side.name for side in cell.sides)
    chosen = []
    for cell in CELLS:
        names = wanted.get(cell.name, set())
        if quick:
            names = names & set(cell.quick)
        sides = [side for side in cell.sides if side.name in names and
                 (not against or side.contestant in against or side.contestant.startswith("netcompat"))]
        if sides:
            chosen.append((cell, sides))
    return chosen


def run(cell: Cell, sides: List[Side], bench: Bench, rounds: int, warm_up: int) -> Series:
    """One series: the sides in turns, each round beginning with another one."""
    runs: Dict[str, List[Optional[Figures]]] = {side.name: [] for side in sides}
    for turn in range(warm_up + rounds):
        start = turn % len(sides)
        for side in sides[start:] + sides[:start]:
            try:
                figures: Optional[Figures] = side.workload.measure(bench, side.contestant, cell.free_threaded)
            except Failed as problem:
                print(f"!!! {cell.name}, {side.name}: {problem}", file=sys.stderr, flush=True)
                figures = None
            if turn >= warm_up:
                runs[side.name].append(figures)
    versions = {side.contestant + ("@t" if cell.free_threaded else ""):
                bench.version(side.contestant, cell.free_threaded) for side in sides}
    return {"cell": cell.name, "runs": runs, "rounds": rounds, "seconds": bench.seconds, "versions": versions,
            "machine": machine(), "load": bench.load_kind, "when": time.strftime("%Y-%m-%d")}


def machine() -> str:
    """The machine, in one line."""
    processor = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
        memory = int(Path("/proc/meminfo").read_text().split()[1]) / (1 << 20)
        return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}"
    except OSError:
        return f"{processor}, {os.cpu_count()} cores; {platform.system()} {platform.release()}"


def show(cell: Cell, series: Series) -> None:
    """One line for each side: its median, and the ratio of the first side to it."""
    print(f"{cell.name}: {cell.title}", flush=True)
    first = cell.sides[0].name
    for side in series["runs"]:
        parts = []
        for figure in cell.figures:
            value = Spread.of([v for v in figures_of(series, side, figure.name) if v is not None])
            if value is None:
                continue
            text = f"{number(value.median)} {figure.unit}"
            spread = Spread.of(ratios(figures_of(series, first, figure.name), figures_of(series, side, figure.name)))
            if spread and side != first:
                text += f" [×{number(spread.median)} ({number(spread.least)}–{number(spread.most)})]"
            parts.append(text)
        print(f"    {side:<26} {'; '.join(parts) or 'failed'}", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a bit of everything, briefly: only to see that it works")
    parser.add_argument("--only", action="append", metavar="PATTERN", help="cells or goals whose name fits, e.g. "
                        "'echo-*'; may be given several times")
    parser.add_argument("--against", metavar="NAME,...", help="only these contestants beside netcompat")
    parser.add_argument("--list", action="store_true", help="the names of cells and goals")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (5); a warm-up round comes before them")
    parser.add_argument("--seconds", type=float, default=1.0, help="what an echo run counts (1)")
    parser.add_argument("--scale", type=float, default=1.0, help="of what is big: the bytes of a stream, more than 50 "
                        "connections (1)")
    parser.add_argument("--results", metavar="FILE", type=Path, help="keep what was measured, beside what is there")
    parser.add_argument("--resume", action="store_true", help="leave out what is in the results already")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="begin no cell that would take longer")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write the page and its charts")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the interpreter of the servers")
    parser.add_argument("--free-threaded", metavar="PATH", help="a free-threaded interpreter")
    parser.add_argument("--peer-python", metavar="PATH", help="the interpreter that has uvloop, gevent, trio, Twisted")
    parser.add_argument("--node", metavar="PATH", help="Node (NETCOMPAT_NODE, or what is on the path)")
    return parser.parse_args()


def main() -> int:
    options = parse_arguments()
    if options.list:
        for cell in CELLS:
            print(f"{cell.name:<26} {cell.group}: {cell.title}; {', '.join(side.name for side in cell.sides)}")
        for goal in GOALS:
            print(f"{goal.name:<26} {goal.limit()}: {goal.text}")
        return 0
    began = time.monotonic()
    descriptors = Limit.raised().descriptors
    all_series: List[Series] = []
    if options.results and options.results.exists():
        all_series = json.loads(options.results.read_text(encoding="utf-8"))
    if options.quick:
        options.rounds, options.seconds, options.scale = 1, QUICK_SECONDS, QUICK_SCALE
    chosen = choose(options.only or ["*"], options.quick, options.against.split(",") if options.against else None)
    if not chosen and options.only != [""]:
        print(f"no cell and no goal fits {' or '.join(options.only)}: --list shows them", file=sys.stderr)
        return 2
    done: List[Series] = []
    measured = 0                # runs, to tell how long a cell will take
    with make_folder() as folder:
        bench = Bench(folder, options.python, options.free_threaded, options.peer_python, options.node,
                      options.seconds, options.scale)
        print(f"{machine()}; load in {bench.load_kind}; at most {descriptors} descriptors", flush=True)
        left_out: Set[str] = set()
        for cell, sides in chosen:
            here = [side for side in sides if bench.version(side.contestant, cell.free_threaded)]
            left_out.update(side.contestant + (" (free-threaded)" if cell.free_threaded else "")
                            for side in sides if side not in here)
            if options.resume and any(series["cell"] == cell.name and all(side.name in series["runs"] for side in here)
                                      for series in all_series):
                continue
            if not here:
                continue
            warm_up = 0 if options.quick else WARM_UP
            count = len(here) * (warm_up + options.rounds)
            elapsed = time.monotonic() - began
            if options.time_limit and elapsed + count * max(elapsed / measured if measured else 0, options.seconds) > \
                    options.time_limit:
                print(f"{cell.name}: no time left for it", flush=True)
                break
            series = run(cell, here, bench, options.rounds, warm_up)
            measured += count
            show(cell, series)
            done.append(series)
            all_series.append(series)
            if options.results:
                options.results.write_text(json.dumps(all_series, indent=0), encoding="utf-8")
        for name in sorted(left_out):
            print(f"not here: {name}")
    failed = [f"{series['cell']}, {side}" for series in done for side, runs in series["runs"].items() if None in runs]
    if options.report:
        write_report(options.report, all_series)
    if not options.quick:
        print("\n".join(verdict_lines([verdict for verdict in verdicts(all_series) if verdict.worst()])))
    for name in failed:
        print(f"FAILED: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
