#!/usr/bin/env python3
"""Run the same small programs in Node and in netcompat and compare what they print.

`tests/conformance/cases/` holds pairs, NAME.js and NAME.py: one behaviour each, written for both worlds. Each prints a
trace, one JSON object a line. By default the traces that netcompat gives are compared with those that Node gave when
they were last recorded (`tests/conformance/traces/`), so that nobody needs Node; `--node` records them anew.

With `--node` the cases named interop-... run two more times: Node at one end and netcompat at the other, both ways
round. Node is found as `--node PATH`; `--node` alone takes $NETCOMPAT_NODE, or `node` from the PATH.

What a case promises stands in the first lines of NAME.js:

    // One sentence: the behaviour.
    // order: any              within one object, order is not compared (default: each object's own order is)
    // order: global           the order of all lines is compared
    // difference: ID: reason  netcompat differs on purpose; what it prints instead is in traces/differences.json
    // needs: ipv6             also: linux, root, blackhole, slowhole, node 26 (the version that has the feature)
    // exit: 1                 the exit status that Node ends with, if it is not 0
    // slow                    left out by --quick

The last line reads `N same, M documented differences, K different`; the exit status is 1 when K is not 0.
"""
import argparse
import ast
import concurrent.futures
import difflib
import fnmatch
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAME, DOCUMENTED, DIFFERENT, SKIPPED = "same", "documented difference", "different", "skipped"


# ---------------------------------------------------------------------------------------------------------------------
# Cases: what stands in the first lines of NAME.js

class Case:
    """One pair, and what its head says."""

    def __init__(self, folder, name):
        self.name = name
        self.group = name.split("-")[0]
        self.javascript = folder / "cases" / f"{name}.js"
        self.python = folder / "cases" / f"{name}.py"
        self.order = "each"
        self.difference = self.reason = None
        self.needs = set()
        self.exit = 0
        self.slow = False
        text = self.javascript.read_text(encoding="utf-8")
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        paragraphs = []
        for line in text.splitlines():
            if not line.startswith("//"):
                break
            words = line[2:].strip()
            if not paragraphs or re.match(r"(order|difference|needs|exit): |slow$", words):
                paragraphs.append(words)
            else:
                paragraphs[-1] += " " + words
        self.title = paragraphs[0] if paragraphs else ""
        for paragraph in paragraphs[1:]:
            key, _, value = paragraph.partition(": ")
            if key == "order":
                self.order = value
            elif key == "difference":
                self.difference, _, self.reason = value.partition(": ")
            elif key == "needs":
                self.needs = {need.strip() for need in value.split(",")}
            elif key == "exit":
                self.exit = int(value)
            elif key == "slow":
                self.slow = True
        if self.order not in ("each", "any", "global"):
            raise SystemExit(f"{self.javascript}: unknown order '{self.order}'")

    def python_title(self):
        """The docstring of NAME.py, on one line."""
        return " ".join((ast.get_docstring(ast.parse(self.python.read_text(encoding="utf-8"))) or "").split())

    def node_needed(self):
        """The first major version of Node that has what the case shows."""
        return max([int(need.split()[1]) for need in self.needs if need.startswith("node ")] or [0])

    def missing_here(self):
        """What this machine lacks for the case, or None."""
        if "ipv6" in self.needs and not has_ipv6():
            return "no IPv6 loopback"
        if "root" in self.needs and getattr(os, "geteuid", lambda: 1)() != 0:
            return "not root"
        if self.needs & {"linux", "blackhole", "slowhole"} and not sys.platform.startswith("linux"):
            return "not Linux"
        if self.group in ("ipc", "cluster") and not hasattr(socket, "AF_UNIX"):
            return "no Unix paths"
        return None


def has_ipv6():
    """Whether ::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def find_cases(folder, pattern, quick):
    """The pairs whose name contains, or matches, `pattern`."""
    names = {path.stem for path in (folder / "cases").glob("*.js")}
    lonely = names ^ {path.stem for path in (folder / "cases").glob("*.py")}
    if lonely:
        raise SystemExit("not a pair: " + ", ".join(sorted(lonely)))
    chosen = [Case(folder, name) for name in sorted(names)
              if not pattern or pattern in name or fnmatch.fnmatch(name, pattern)]
    return [case for case in chosen if not (quick and case.slow)]


# ---------------------------------------------------------------------------------------------------------------------
# Running one side of a case

class Blackhole:
    """A port on which connects to 127.0.0.2 hang, until a file named 'open' appears in `folder`.

    The listening socket's queue is full and nobody accepts, so Linux drops further SYNs and the client tries again
    after a second. The same port of 127.0.0.1 stays free for the case.
    """

    def __init__(self, folder):
        self.flag = Path(folder) / "open"
        self.closing = threading.Event()
        self.sockets = []
        for _ in range(50):
            probe = socket.socket()
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
            self.listener = socket.socket()
            try:
                self.listener.bind(("127.0.0.2", self.port))
                break
            except OSError:
                self.listener.close()
            finally:
                probe.close()
        self.listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.2", self.port))
            self.sockets.append(filler)
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.closing.wait(0.02):
            if self.flag.exists():
                self.listener.listen(100)
                self.listener.settimeout(0.02)
                try:
                    self.sockets.append(self.listener.accept()[0])
                except OSError:
                    pass

    def close(self):
        """Free the port."""
        self.closing.set()
        self.thread.join()
        for each in [self.listener] + self.sockets:
            each.close()


class Outcome:
    """What one run printed: its lines, its exit status (None: it did not end in time) and its stderr."""

    def __init__(self, lines, status, stderr):
        self.lines = lines
        self.status = status
        self.stderr = stderr


def run_side(case, command, arguments):
    """Run one side of `case` in a folder of its own."""
    folder = tempfile.mkdtemp(prefix="conf-")
    hole = Blackhole(folder) if case.needs & {"blackhole", "slowhole"} else None
    try:
        return outcome_of(start(command, folder, arguments, CONFORMANCE_BLACKHOLE=hole and str(hole.port)), arguments)
    finally:
        if hole:
            hole.close()
        shutil.rmtree(folder, ignore_errors=True)


def run_ends(server, client, arguments):
    """Run the two ends of an interop case in programs of their own; their lines together."""
    folder = tempfile.mkdtemp(prefix="conf-")
    port = Path(folder) / "port"
    processes = []
    try:
        processes.append(start(server, folder, arguments, CONFORMANCE_ROLE="server"))
        limit = time.monotonic() + arguments.limit
        while not port.exists() and processes[0].poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        number = port.read_text() if port.exists() else "1"
        processes.append(start(client, folder, arguments, CONFORMANCE_ROLE="client", CONFORMANCE_PORT=number))
        one, other = [outcome_of(process, arguments) for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    status = None if None in (one.status, other.status) else one.status or other.status
    return Outcome(one.lines + other.lines, status, one.stderr + other.stderr)


def start(command, folder, arguments, **variables):
    """Start a program with the variables that the preludes read."""
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith(("NODE_", "NETCOMPAT_", "CONFORMANCE_"))}
    environment.update(CONFORMANCE_TMP=folder, CONFORMANCE_LIMIT=str(arguments.limit), PYTHONIOENCODING="utf-8",
                       PYTHONPATH=os.pathsep.join([str(ROOT), str(arguments.folder)]))
    if arguments.switch_interval:
        environment["CONFORMANCE_SWITCH"] = str(arguments.switch_interval)
    environment.update({key: value for key, value in variables.items() if value})
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment, start_new_session=True)


def kill(process):
    """End a program and the processes that it started, which have its output too."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def outcome_of(process, arguments):
    """Wait for the program, but no longer than the limit, and read what it printed."""
    try:
        output, errors = process.communicate(timeout=arguments.limit)
        status = process.returncode
    except subprocess.TimeoutExpired:
        kill(process)
        output, errors = process.communicate()
        status = None
    lines = []
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
            lines.append([entry["who"], entry["what"]] + entry["args"])
        except (ValueError, TypeError, KeyError):
            lines.append(["stdout", "unreadable", line])
    return Outcome(lines, status, errors.decode("utf-8", "replace"))


# ---------------------------------------------------------------------------------------------------------------------
# Traces: what is compared

def normal(case, outcome):
    """The trace in the form that is stored and compared: {object: [[event, argument, …], …]}.

    How bytes are cut into chunks is nobody's promise, so an object's adjacent 'data' lines are joined; long ones become
    their length and hash. With `order: global` all lines stand under one key, each with its object in front.
    """
    trace = {}
    for who, *entry in outcome.lines:
        while entry[1:] and entry[-1] is None:
            entry.pop()
        lines = trace.setdefault("" if case.order == "global" else who, [])
        if case.order == "global":
            entry.insert(0, who)
        joined = lines and _join(lines[-1], entry)
        if joined:
            lines[-1] = joined
        else:
            lines.append(entry)
    for lines in trace.values():
        lines[:] = [[_shorten(value) for value in entry] for entry in lines]
        if case.order == "any":
            lines.sort(key=json.dumps)
    trace["process"] = [["exit", outcome.status] if outcome.status is not None else ["did not end in time"]]
    return trace


def _join(before, entry):
    """Two adjacent 'data' lines as one, or None if they are something else."""
    if "data" not in entry[:2] or before[:-1] != entry[:-1]:
        return None
    first, second = before[-1], entry[-1]
    if isinstance(first, str) and isinstance(second, str):
        return entry[:-1] + [first + second]
    if isinstance(first, dict) and isinstance(second, dict) and "bytes" in first and "bytes" in second:
        return entry[:-1] + [{"bytes": first["bytes"] + second["bytes"]}]
    return None


def _shorten(value):
    if isinstance(value, dict) and isinstance(value.get("bytes"), str) and len(value["bytes"]) > 200:
        content = value["bytes"].encode("latin-1")
        return {"length": len(content), "sha1": hashlib.sha1(content).hexdigest()[:12]}
    return value


def describe(expected, actual, names=("Node", "netcompat")):
    """The lines that differ, object by object."""
    out = []
    for who in list(expected) + [each for each in actual if each not in expected]:
        before = [json.dumps(entry, ensure_ascii=False)[1:-1] for entry in expected.get(who, [])]
        after = [json.dumps(entry, ensure_ascii=False)[1:-1] for entry in actual.get(who, [])]
        if before != after:
            out.append(f"{who or 'all'}: - {names[0]}, + {names[1]}")
            out += ["  " + line for line in difflib.ndiff(before, after) if not line.startswith("?")]
    return out


class Traces:
    """The recorded traces: one file a group, one line a case, and `differences.json` for netcompat's own."""

    def __init__(self, folder):
        self.folder = folder / "traces"
        self.groups = {}

    def _group(self, group):
        if group not in self.groups:
            path = self.folder / f"{group}.json"
            self.groups[group] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return self.groups[group]

    def recorded(self, case):
        """{'node': version, 'digest': of NAME.js, 'trace': …} or None."""
        return self._group(case.group).get(case.name)

    def record(self, case, version, trace):
        """Keep Node's trace; the same one in the order that it had, so that the files change with what they say."""
        known = self.recorded(case)
        if known is not None and known["trace"] == trace:
            trace = known["trace"]
        self._group(case.group)[case.name] = {"node": version, "digest": case.digest, "trace": trace}

    def accepted(self, case):
        """What netcompat prints instead, or None."""
        return self._group("differences").get(case.name)

    def accept(self, case, trace):
        """Keep what netcompat prints instead."""
        self._group("differences")[case.name] = trace

    def save(self, known):
        """Write all groups that were read or changed; forget cases that are no more."""
        self.folder.mkdir(exist_ok=True)
        for group, cases in self.groups.items():
            rows = [f"{json.dumps(name)}: {json.dumps(cases[name], separators=(',', ':'))}"
                    for name in sorted(cases) if name in known]
            text = "{\n" + ",\n".join(rows) + "\n}\n"
            (self.folder / f"{group}.json").write_text(text, encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------------------
# Comparing

class Result:
    """How one case went."""

    def __init__(self, case, verdict, details=()):
        self.case = case
        self.verdict = verdict
        self.details = list(details)


def node_trace(case, node, version, traces, arguments):
    """Node's trace: run now, or as recorded. Returns (trace, complaints)."""
    recorded = traces.recorded(case)
    if node and (case.node_needed() <= major(version)):
        runs = [run_side(case, [node, str(case.javascript)], arguments) for _ in range(arguments.runs)]
        forms = [normal(case, outcome) for outcome in runs]
        if any(form != forms[0] for form in forms):
            other = next(form for form in forms if form != forms[0])
            return None, ["Node's own trace is not stable"] + describe(forms[0], other, ("one run", "another"))
        if runs[0].status != case.exit:
            return None, [f"Node ended with status {runs[0].status}, not {case.exit}", runs[0].stderr.strip()]
        traces.record(case, version, forms[0])
        return forms[0], []
    if recorded is None:
        return None, ["no recorded trace; run with --node"]
    if recorded["digest"] != case.digest:
        return None, [f"{case.javascript.name} has changed since its trace was recorded; run with --node"]
    return recorded["trace"], []


def judge(case, node, version, traces, arguments):
    """Run and compare one case."""
    lacks = case.missing_here()
    if lacks:
        return Result(case, SKIPPED, [lacks])
    expected, complaints = node_trace(case, node, version, traces, arguments)
    if expected is None:
        return Result(case, DIFFERENT, complaints)
    if arguments.record:
        return Result(case, SAME)
    for _ in range(arguments.runs):
        outcome = run_side(case, [arguments.python, str(case.python)], arguments)
        actual = normal(case, outcome)
        if case.difference and arguments.accept:
            traces.accept(case, actual)
        result = compare(case, expected, actual, traces)
        if result.verdict == DIFFERENT:
            return add_stderr(result, outcome)
    if node and case.group == "interop":
        here, there = [arguments.python, str(case.python)], [node, str(case.javascript)]
        for words, server, client in (("netcompat serves Node", here, there), ("Node serves netcompat", there, here)):
            outcome = run_ends(server, client, arguments)
            actual = normal(case, outcome)
            if actual != expected:
                details = [words] + describe(expected, actual, ("Node alone", "both"))
                return add_stderr(Result(case, DIFFERENT, details), outcome)
    return result


def add_stderr(result, outcome):
    """Show what the program complained of, too."""
    if outcome.stderr.strip():
        result.details += ["stderr:"] + ["  " + line for line in outcome.stderr.strip().splitlines()[-40:]]
    return result


def compare(case, expected, actual, traces):
    """Judge netcompat's trace against Node's and, for a documented difference, against the accepted one."""
    if not case.difference:
        return Result(case, SAME) if expected == actual else Result(case, DIFFERENT, describe(expected, actual))
    accepted = traces.accepted(case)
    if actual == expected:
        return Result(case, DIFFERENT, [f"the documented difference '{case.difference}' is not there any more"])
    if accepted is None:
        return Result(case, DIFFERENT, [f"the difference '{case.difference}' was never accepted (--accept)"]
                      + describe(expected, actual))
    if actual == accepted:
        return Result(case, DOCUMENTED)
    return Result(case, DIFFERENT, [f"differs otherwise than '{case.difference}' says"]
                  + describe(accepted, actual, ("documented", "netcompat")))


def major(version):
    """26 of 'v26.1.0'; 0 of nothing."""
    return int(version.lstrip("v").split(".")[0]) if version else 0


# ---------------------------------------------------------------------------------------------------------------------
# Reporting

def summary(results):
    """The last line."""
    counts = [sum(result.verdict == verdict for result in results) for verdict in (SAME, DOCUMENTED, DIFFERENT)]
    return "{} same, {} documented differences, {} different".format(*counts)


def report(results, traces, versions):
    """The Markdown page: the table of all cases and the documented differences."""
    out = ["# Conformance", "",
           "Each row is one small program, written once for Node and once for netcompat",
           "(`tests/conformance/cases/`); the traces of both are compared. This page is written by",
           "`python3 tools/conformance.py --report docs/conformance.md`; do not edit it.", "",
           f"Compared with Node {', '.join(versions) or '(none)'}: **{summary(results)}**.", ""]
    groups = {}
    for result in results:
        groups.setdefault(result.case.group, []).append(result)
    for group, members in groups.items():
        out += [f"## {group}", "", "| case | behaviour | result |", "|---|---|---|"]
        for result in members:
            verdict = f"{result.verdict}: {result.case.difference}" if result.verdict == DOCUMENTED else result.verdict
            title = result.case.title.replace("|", "\\|")
            out.append(f"| `{result.case.name}` | {title} | {verdict} |")
        out.append("")
    out += ["## Documented differences", ""]
    reasons = {}
    for result in results:
        if result.verdict == DOCUMENTED:
            reasons.setdefault((result.case.difference, result.case.reason), []).append(result.case)
    for (name, reason), cases in sorted(reasons.items()):
        out += [f"### {name}", "", reason[:1].upper() + reason[1:] + ".", ""]
        for case in cases:
            out += [f"`{case.name}` (- Node, + netcompat):", "", "```diff"]
            for line in describe(traces.recorded(case)["trace"], traces.accepted(case)):
                line = line.replace(": - Node, + netcompat", ":")
                out.append(line[2:] if line.startswith("  ") else f"# {line}")
            out += ["```", ""]
    return "\n".join(out).rstrip() + "\n"


def parse(argv):
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare netcompat with Node, program by program.")
    parser.add_argument("--node", nargs="?", const=os.environ.get("NETCOMPAT_NODE", "node"), metavar="PATH",
                        help="record Node's traces anew with this Node (without PATH: $NETCOMPAT_NODE, or 'node')")
    parser.add_argument("--only", metavar="PATTERN", help="only cases whose name contains or matches PATTERN")
    parser.add_argument("--report", metavar="FILE", type=Path, help="write the table of all cases to FILE")
    parser.add_argument("--quick", action="store_true", help="recorded traces only, without the slow cases")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, metavar="N", help="cases at a time")
    parser.add_argument("--runs", type=int, default=1, metavar="N", help="run each side N times; all must agree")
    parser.add_argument("--limit", type=float, default=30.0, metavar="SECONDS", help="time limit of a case (30)")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the Python of netcompat's side")
    parser.add_argument("--switch-interval", type=float, metavar="SECONDS", help="sys.setswitchinterval of the cases")
    parser.add_argument("--record", action="store_true", help="only record Node's traces (with --node)")
    parser.add_argument("--accept", action="store_true",
                        help="keep what netcompat prints now as the documented difference of the cases that name one")
    parser.add_argument("--folder", type=lambda text: Path(text).resolve(), default=ROOT / "tests" / "conformance",
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.quick and arguments.node:
        parser.error("--quick compares with the recorded traces: it goes without --node")
    if arguments.report and (arguments.only or arguments.quick):
        parser.error("--report is of all cases: it goes without --only and --quick")
    if arguments.record and not arguments.node:
        parser.error("--record needs --node")
    return arguments


def main(argv=None):
    """Run the tool; returns the exit status."""
    arguments = parse(argv)
    cases = find_cases(arguments.folder, arguments.only, arguments.quick)
    if not cases:
        raise SystemExit("no such case")
    version = ""
    if arguments.node:
        version = subprocess.run([arguments.node, "--version"], check=True, stdout=subprocess.PIPE,
                                 universal_newlines=True).stdout.strip()
    traces = Traces(arguments.folder)
    for case in cases:      # read the files before threads do
        traces.recorded(case)
        traces.accepted(case)
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(lambda case: judge(case, arguments.node, version, traces, arguments), cases))
    if arguments.node or arguments.accept:
        traces.save({path.stem for path in (arguments.folder / "cases").glob("*.js")})
    for result in results:
        if result.verdict == DIFFERENT:
            print(f"--- {result.case.name}: {result.case.title}")
            print("\n".join("    " + line for line in result.details))
    for result in results:
        if result.verdict == SKIPPED:
            print(f"skipped: {result.case.name}: {'; '.join(result.details)}")
    versions = sorted({recorded["node"] for recorded in map(traces.recorded, cases) if recorded})
    if arguments.report:
        arguments.report.write_text(report(results, traces, versions), encoding="utf-8")
    print(f"Node {', '.join(versions)}; {len(cases)} pairs in {time.monotonic() - started:.0f} s")
    print(summary(results))
    return 1 if any(result.verdict == DIFFERENT for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
