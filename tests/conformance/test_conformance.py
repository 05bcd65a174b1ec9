"""The comparison tool fails when it should, and the pairs are whole.

The tool is given small folders of its own: cases whose two sides only print, so that neither Node nor netcompat is
needed to see what it reports.
"""
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
TOOL = HERE.parent.parent / "tools" / "conformance.py"

specification = importlib.util.spec_from_file_location("conformance", str(TOOL))
conformance = importlib.util.module_from_spec(specification)
specification.loader.exec_module(conformance)

NODE = [["client", "connect"], ["client", "data", {"bytes": "ab"}], ["client", "error", {"error": {"code": "EPIPE"}}],
        ["client", "close", True], ["peer", "close", False]]


def script(lines, status=0):
    """A NAME.py that prints these lines and ends with this status."""
    rows = [{"who": line[0], "what": line[1], "args": line[2:]} for line in lines]
    printing = f'import json\nfor row in {rows!r}:\n    print(json.dumps(row))\n'
    return f'"""A title."""\n{printing}raise SystemExit({status})\n'


class Folder:
    """A folder with one pair, 'group-case', and the trace that Node is said to have given."""

    def __init__(self, path, head="", recorded=None):
        self.path = path
        (path / "cases").mkdir()
        (path / "cases" / "group-case.js").write_text(f"// A title.\n{head}'use strict';\n")
        (path / "cases" / "group-case.py").write_text(script(NODE))
        self.case = conformance.Case(path, "group-case")
        self.record(NODE if recorded is None else recorded)

    def record(self, lines):
        traces = conformance.Traces(self.path)
        traces.record(self.case, "v26.0.0", conformance.normal(self.case, conformance.Outcome(lines, 0, "")))
        traces.save({"group-case"})

    def accept(self, lines):
        traces = conformance.Traces(self.path)
        traces.accept(self.case, conformance.normal(self.case, conformance.Outcome(lines, 0, "")))
        traces.save({"group-case"})

    def run(self, lines=None, status=0, source=None, options=()):
        """What the tool prints, and its exit status, when netcompat's side prints `lines`."""
        if lines is not None:
            source = script(lines, status)
        (self.path / "cases" / "group-case.py").write_text(source or script(NODE))
        done = subprocess.run([sys.executable, str(TOOL), "--folder", str(self.path), *options],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, timeout=60)
        return done.stdout, done.returncode


@pytest.fixture
def folder(tmp_path):
    """A folder whose case agrees."""
    return Folder(tmp_path)


def last_line(output):
    return output.rstrip().splitlines()[-1]


def test_equal_traces_are_the_same(folder):
    output, status = folder.run(NODE)
    assert (last_line(output), status) == ("1 same, 0 documented differences, 0 different", 0)


def test_order_between_objects_is_not_compared(folder):
    output, status = folder.run([NODE[4]] + NODE[:4])
    assert (last_line(output), status) == ("1 same, 0 documented differences, 0 different", 0)


def test_a_wrong_order_is_reported(folder):
    output, status = folder.run([NODE[0], NODE[1], NODE[3], NODE[2], NODE[4]])
    assert (last_line(output), status) == ("0 same, 0 documented differences, 1 different", 1)
    assert '"close", true' in output and "client: - Node, + netcompat" in output and "peer:" not in output


def test_a_missing_event_is_reported(folder):
    output, status = folder.run(NODE[:4])
    assert status == 1
    assert 'peer: - Node, + netcompat\n      - "close", false' in output


def test_an_event_too_many_is_reported(folder):
    output, status = folder.run(NODE + [["client", "close", True]])
    assert status == 1
    assert '+ "close", true' in output


def test_a_wrong_code_is_reported(folder):
    output, status = folder.run(NODE[:2] + [["client", "error", {"error": {"code": "ECONNRESET"}}]] + NODE[3:])
    assert status == 1
    assert "EPIPE" in output and "ECONNRESET" in output


def test_a_wrong_exit_status_is_reported(folder):
    output, status = folder.run(NODE, status=3)
    assert status == 1
    assert '+ "exit", 3' in output


def test_a_case_that_does_not_end_is_reported(folder):
    output, status = folder.run(source=script(NODE).replace("raise SystemExit(0)", "input() if 0 else open(0).read()\n"
                                                            "import time\ntime.sleep(60)"), options=["--limit", "1"])
    assert status == 1
    assert "did not end in time" in output


def test_what_is_no_trace_is_reported(folder):
    output, status = folder.run(source=script(NODE).replace("raise", "print('hello')\nraise"))
    assert status == 1
    assert "unreadable" in output


def test_chunks_may_be_cut_differently(folder):
    parts = [["client", "data", {"bytes": "a"}], ["client", "data", {"bytes": "b"}]]
    output, status = folder.run(NODE[:1] + parts + NODE[2:])
    assert status == 0, output


def test_data_must_be_whole(folder):
    output, status = folder.run(NODE[:1] + [["client", "data", {"bytes": "a"}]] + NODE[2:])
    assert status == 1, output


def test_global_order(tmp_path):
    folder = Folder(tmp_path, "// order: global\n")
    assert folder.run(NODE)[1] == 0
    assert folder.run([NODE[4]] + NODE[:4])[1] == 1


def test_any_order(tmp_path):
    folder = Folder(tmp_path, "// order: any\n")
    assert folder.run([NODE[1], NODE[0], NODE[3], NODE[2], NODE[4]])[1] == 0
    assert folder.run(NODE[:-1])[1] == 1


def test_a_documented_difference(tmp_path):
    folder = Folder(tmp_path, "// difference: some-id: there is a reason\n//   for it\n")
    assert folder.case.reason == "there is a reason for it"
    other = NODE[:2] + NODE[3:]
    output, status = folder.run(other)
    assert status == 1 and "never accepted" in output
    folder.accept(other)
    output, status = folder.run(other, options=["--report", str(tmp_path / "report.md")])
    assert (last_line(output), status) == ("0 same, 1 documented differences, 0 different", 0)
    report = (tmp_path / "report.md").read_text()
    assert "There is a reason for it." in report and "EPIPE" in report
    assert "| documented difference: some-id |" in report


def test_a_documented_difference_covers_only_itself(tmp_path):
    folder = Folder(tmp_path, "// difference: some-id: there is a reason\n")
    folder.accept(NODE[:2] + NODE[3:])
    output, status = folder.run(NODE[:1] + NODE[3:])
    assert status == 1 and "differs otherwise than 'some-id' says" in output
    output, status = folder.run(NODE)
    assert status == 1 and "not there any more" in output


def test_a_changed_case_needs_a_new_trace(folder):
    (folder.path / "cases" / "group-case.js").write_text("// A title.\n'use strict';\n1;\n")
    output, status = folder.run(NODE)
    assert status == 1 and "has changed since its trace was recorded" in output


def test_a_case_without_a_trace(folder):
    (folder.path / "traces" / "group.json").unlink()
    output, status = folder.run(NODE)
    assert status == 1 and "no recorded trace" in output


def test_a_report_is_of_all_cases(folder):
    assert "it goes without --only" in folder.run(NODE, options=["--report", "page.md", "--only", "group"])[0]


def test_half_a_pair_is_refused(folder):
    (folder.path / "cases" / "group-lonely.js").write_text("// Alone.\n")
    output, status = folder.run(NODE)
    assert status == 1 and "not a pair: group-lonely" in output


# ---------------------------------------------------------------------------------------------------------------------
# The pairs of this repository

CASES = conformance.find_cases(HERE, None, False)
TRACES = conformance.Traces(HERE)


def test_there_are_enough_pairs():
    assert len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pair_is_whole(case):
    recorded = TRACES.recorded(case)
    assert case.title.endswith(".") and case.python_title() == case.title
    compile(case.python.read_text(encoding="utf-8"), str(case.python), "exec")
    assert recorded, "no recorded trace"
    assert recorded["digest"] == case.digest, "changed since its trace was recorded"
    assert set(recorded["trace"]) - {"process"}, "an empty trace says nothing"
    assert not case.difference or case.reason


def test_recorded_traces_have_cases():
    names = {case.name for case in CASES}
    for path in (HERE / "traces").glob("*.json"):
        assert set(json.loads(path.read_text(encoding="utf-8"))) <= names, path


def test_the_page_has_every_pair():
    """Else: python3 tools/conformance.py --report docs/conformance.md"""
    page = (HERE.parent.parent / "docs" / "conformance.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.M) == [case.name for case in CASES]


@pytest.mark.parametrize("pattern", ["lifecycle-client-ends", "connect-refused"])
def test_tool_runs_a_real_pair(pattern):
    done = subprocess.run([sys.executable, str(TOOL), "--quick", "--only", pattern], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, timeout=120)
    assert done.returncode == 0, done.stdout
