#!/usr/bin/env python3
"""How much of the engine and of the stream the tests run: lines and branches, subprocesses and forked children too.

    python3 tools/measure_coverage.py [--python PATH] [--only FILE] [--all]

Runs every file of tests that concerns them in a process of its own, some of them with each selector, in an
environment that `tools/run_tests.py` makes, under `coverage`. Prints what share of each file was run and what was
not; the exit status is 1 if a share is below the goal, or a test failed. `--only`: these files of tests (may be
repeated; the goal does not count). `--all`: show the other files of the package too.

What needs another system is named in `ELSEWHERE` and in setup.cfg, and counted in a column of that name;
docs/reliability.md says why what is left was not run.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List

import run_tests

ROOT = run_tests.ROOT
GOAL = 95.0             # per cent, of lines and of branches
LIMIT = 300             # seconds that one file of tests may take
MEASURED = ("netcompat/stream.py", "netcompat/runtime/")
ELSEWHERE = {           # whole files for another system, and what runs them
    "netcompat/runtime/completions.py": "Windows: tools/run_windows_tests.py",
    "netcompat/runtime/wsapoll.py": "Windows: tools/run_windows_tests.py",
}
TESTS = ("tests/runtime/test_*.py", "tests/test_stream.py", "tests/test_emitter.py", "tests/test_worker_pool.py",
         "tests/test_socket_*.py", "tests/test_server.py", "tests/test_connecting.py", "tests/test_ipc.py",
         "tests/test_promises.py", "tests/test_races.py", "tests/test_interrupts.py", "tests/test_blocking_code.py",
         "tests/test_dispatch.py", "tests/test_beginners_mistakes.py", "tests/test_bad_input.py",
         "tests/test_options.py", "tests/test_node_differences.py", "tests/test_interleavings.py",
         "tests/faults/test_*.py")
SELECTOR_TESTS = ("tests/runtime/test_reactor.py", "tests/test_races.py", "tests/faults/test_injected.py")
SELECTORS = ("poll", "select")          # with which these are run again

# Found by every Python that is started below, and by those that they start. The lock of `coverage` is left out: a
# signal handler or a finalizer may strike while its own thread holds it, and that is what many of the tests do.
START = """
import coverage
from coverage.collector import Collector
Collector.lock_data = Collector.unlock_data = lambda self: None
coverage.process_startup()
"""


def run_file(python: str, tests: str, selector: str, environment: Dict[str, str]) -> bool:
    """One file of tests; `False` if it did not pass. What it prints is shown if so."""
    began = time.monotonic()
    environment = dict(environment, NETCOMPAT_SELECTOR=selector)
    try:
        result = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests], cwd=str(ROOT),
                                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, universal_newlines=True, timeout=LIMIT)
    except subprocess.TimeoutExpired as expired:
        print("{}: not done in {} s\n{!s}".format(tests, LIMIT, expired.output), flush=True)
        return False
    print("{:34} {:6} {:4.0f} s  {}".format(tests, selector, time.monotonic() - began,
                                            run_tests.last_line(result.stdout)), flush=True)
    if result.returncode:
        print(result.stdout, flush=True)
    return result.returncode == 0


def share(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


def show(report: Dict[str, Any], everything: bool) -> List[str]:
    """Print the table; the files that miss the goal."""
    below = []
    print("\n{:36} {:>8} {:>8} {:>9}  not run".format("file", "lines", "branches", "elsewhere"))
    for path, file in sorted(report["files"].items()):
        measured = path.startswith(MEASURED)
        if not measured and not everything:
            continue
        if path in ELSEWHERE:
            print("{:36} {:>27}  {}".format(path, "", ELSEWHERE[path]))
            continue
        summary = file["summary"]
        lines = share(summary["covered_lines"], summary["num_statements"])
        branches = share(summary["covered_branches"], summary["num_branches"])
        left = [str(line) for line in file["missing_lines"]]
        left += ["{}->{}".format(here, there if there > 0 else "exit") for here, there in file["missing_branches"]
                 if here not in file["missing_lines"] and there not in file["missing_lines"]]
        print("{:36} {:6.1f} % {:6.1f} % {:9}  {}".format(path, lines, branches, len(file["excluded_lines"]),
                                                          " ".join(left)))
        if measured and min(lines, branches) < GOAL:
            below.append(path)
    return below


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", metavar="PATH", default=sys.executable, help="the interpreter (default: this one)")
    parser.add_argument("--only", metavar="FILE", action="append", help="these tests alone")
    parser.add_argument("--all", action="store_true", help="show the other files of the package, too")
    options = parser.parse_args()
    about = run_tests.probe(options.python)
    venv = ROOT / (".venv-coverage-" + run_tests.tag(about))
    run_tests.prepare(venv, options.python, about, ("test", "coverage"))
    python = str(run_tests.interpreter(venv))
    files = options.only or [str(path.relative_to(ROOT)) for pattern in TESTS for path in sorted(ROOT.glob(pattern))]
    tests = [(file, "") for file in files]
    if not options.only:
        tests += [(file, selector) for selector in SELECTORS for file in SELECTOR_TESTS]
    with tempfile.TemporaryDirectory(prefix="netcompat-coverage-") as folder:
        result = os.path.join(folder, "result")
        Path(folder, "sitecustomize.py").write_text(START, encoding="utf-8")
        environment = dict(os.environ, COVERAGE_PROCESS_START=str(ROOT / "setup.cfg"),
                           COVERAGE_FILE=os.path.join(folder, "data"), PYTHONPATH=os.pathsep.join(
                               filter(None, [folder, str(ROOT), os.environ.get("PYTHONPATH", "")])))
        passed = [run_file(python, file, selector, environment) for file, selector in tests]
        environment.pop("COVERAGE_PROCESS_START")
        for arguments in (["combine", "-q"], ["json", "-q", "-o", result]):
            subprocess.run([python, "-m", "coverage", *arguments], cwd=str(ROOT), env=environment, check=True,
                           stdout=subprocess.DEVNULL)
        report = json.loads(Path(result).read_text(encoding="utf-8"))
    below = show(report, options.all)
    if options.only:
        return 0 if all(passed) else 1
    print("\nbelow {:g} %: {}".format(GOAL, ", ".join(below) or "none"))
    if not all(passed):
        print("{} of {} files of tests did not pass".format(passed.count(False), len(passed)))
    return 1 if below or not all(passed) else 0


if __name__ == "__main__":
    sys.exit(main())
