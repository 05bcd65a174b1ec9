"""The comparison by random programs: it makes the same programs each time, shrinks them, and reports what differs.

The two worlds are played here by functions that only make traces, so that Node is not needed; what the real worlds say
is what `tools/differential.py` is run for.
"""
import copy
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "differential.py"

specification = importlib.util.spec_from_file_location("differential", str(TOOL))
differential = importlib.util.module_from_spec(specification)
specification.loader.exec_module(differential)

PROPS = {"destroyed": False, "writable_need_drain": False, "readable_length": 0, "bytes_read": 0, "is_paused": False,
         "readable_flowing": True, "readable_high_water_mark": 65536, "writable_length": 0}


def trace_of(program):
    """What a world might say: each step brings its object two events."""
    steps = []
    for number, (who, op, *_) in enumerate([["client", "start"], *program["steps"], ["client", "tidy"]]):
        step = {}
        for name in ("client", "peer1", "server"):
            mine = name.startswith(who)
            step[name] = {"events": [["data", {"bytes": op}], ["timeout"]] if mine else [],
                          "results": [[op, "self"]] if mine else [], "props": dict(PROPS, bytes_read=number)}
        steps.append(step)
    return steps


class Fake:
    """A world; `fault(program, trace)` spoils the trace, `times` bounds how many batches it spoils."""

    def __init__(self, fault=None, times=1000000):
        self.fault, self.times, self.programs = fault, times, []

    def send(self, programs, slow):
        self.programs = programs

    def receive(self, limit):
        traces = [trace_of(program) for program in self.programs]
        if self.fault and self.times > 0:
            self.times -= 1
            for program, trace in zip(self.programs, traces):
                self.fault(program, trace)
        return traces

    def close(self):
        pass


def check(fault, count=12, times=1000000):
    checker = differential.Checker(differential.Worlds(Fake(), Fake(fault, times)), differential.RULES)
    checker.check([differential.generate(1, index) for index in range(count)])
    return checker


def steps_with(program, op):
    return [number for number, (who, *step) in enumerate(program["steps"], 1)
            if who == "client" and step[0] in (op, "together")
            and [op] in [step[:1], *[call[:1] for call in step[1:] if isinstance(call, list)]]]


def drop_event(program, trace):
    for number in steps_with(program, "connect"):
        del trace[number]["client"]["events"][0]


def swap_events(program, trace):
    for number in steps_with(program, "connect"):
        trace[number]["client"]["events"].reverse()


def change_property(program, trace):
    for number in steps_with(program, "connect"):
        trace[number]["client"]["props"]["bytes_read"] += 1000


def change_result(program, trace):
    for number in steps_with(program, "connect"):
        trace[number]["client"]["results"][0][1] = None


def lose_object(program, trace):
    for number in steps_with(program, "connect"):
        del trace[number]["peer1"]


def test_programs_are_the_same_each_time_and_differ_by_seed():
    programs = [differential.generate(5, index) for index in range(50)]
    assert programs == [differential.generate(5, index) for index in range(50)]
    assert programs != [differential.generate(6, index) for index in range(50)]
    assert len({json.dumps(program["steps"]) for program in programs}) == 50
    # Random numbers are the same on every version of Python: what a seed found can be looked at elsewhere.
    assert json.loads(json.dumps(programs)) == programs


def test_programs_name_every_operation():
    seen = {inner[0] for index in range(600) for inner in differential.all_ops(differential.generate(1, index))}
    assert seen >= set(differential.SOCKET_OPS) | set(differential.SERVER_OPS) | {"connect"}


def test_equal_worlds_are_the_same():
    checker = check(None)
    assert (checker.same, checker.excused, checker.different, checker.noise) == (12, 0, 0, 0)


@pytest.mark.parametrize("fault", [drop_event, swap_events, change_property, change_result, lose_object])
def test_a_planted_difference_is_reported(fault):
    checker = check(fault)
    assert checker.same == 0 and checker.different >= 11        # a rule may have said before that none can compare
    finding = checker.findings[0]
    text = differential.show_program(finding.program) + differential.show_difference(
        finding.verdict, ["Node", "netcompat"], finding.pair)
    assert "client.connect(" in text and "first difference: step" in text


def test_what_differs_once_is_noise():
    checker = check(drop_event, times=1)
    assert (checker.different, checker.noise) == (0, 12)


@pytest.mark.parametrize("times, noise", [(2, 1), (3, 1), (1 + differential.REPEATS, 1), (1000, 0)])
def test_what_differs_in_some_runs_is_noise_and_is_listed(times, noise):
    checker = check(drop_event, count=1, times=times)
    assert (checker.different, checker.noise, len(checker.noisy)) == (1 - noise, noise, noise)


def test_a_difference_is_shrunk_to_what_it_takes():
    program = {"client": {"reader": "echo", "allow_half_open": True}, "server": {"reader": "data"}, "calls": "strand",
               "name": "x", "steps": [["client", "connect", True], ["client", "pause"], ["peer", "resume"],
                                      ["client", "together", ["cork"], ["write", ["fill", 70000], True]],
                                      ["client", "end", None, False], ["peer", "read"]]}

    def differs(candidates):
        return [any(op[0] == "write" for op in differential.all_ops(each))
                and any(op[0] == "pause" for op in differential.all_ops(each)) for each in candidates]
    before = copy.deepcopy(program)
    small = differential.shrink(program, differs)
    assert program == before
    assert small["steps"] == [["client", "pause"], ["client", "write", ["fill", 5], False]]
    assert small["client"] == small["server"] == {"reader": "none"} and small["calls"] == "main"


def test_shrinking_ends_when_nothing_smaller_differs():
    program = differential.generate(1, 3)
    assert differential.shrink(program, lambda candidates: [False] * len(candidates)) == program


def test_rules_are_counted_and_narrow():
    def tell_late(program, trace):
        trace[1]["client"]["events"].append(["late end#on@3"])
    checker = check(tell_late)
    assert checker.excused == 12 and checker.used == {"sticky-events": 12}

    def tell_twice(program, trace):
        trace[1]["client"]["events"].append(["end"])
    assert check(tell_twice).different == 12


def verdict(left, right, step=("client", "ref")):
    """What is said of one step in which the client had `left` in Node and `right` in netcompat."""
    program = {"client": {"reader": "data"}, "server": {}, "steps": [list(step)], "name": "x"}
    sides = []
    for part in (left, right):
        part = {"events": [], "results": [], "told": {"refused": 0, "largest": 0}, **part}
        part["props"] = dict(PROPS, writable_ended=False, **part.get("props", {}))
        sides.append([{"client": {"events": [], "results": [], "props": dict(PROPS, writable_ended=False)}},
                      {"client": part}])
    return differential.compare(program, (sides[0], sides[1]), differential.RULES)


@pytest.mark.parametrize("step, excused", [
    (("client", "destroy", False), True), (("client", "ref"), False), (("peer", "destroy", False), False),
    (("client", "end", None, False), False)])
def test_an_end_may_be_missing_only_where_the_program_destroyed_the_socket(step, excused):
    left = {"events": [["end"], ["close", False]], "props": {"destroyed": True, "readable_ended": True}}
    right = {"events": [["close", False]], "props": {"destroyed": True, "readable_ended": False}}
    found = verdict(left, right, step)
    assert (found.difference is None) is excused
    assert found.rules == (("nothing-after-destroy",) if excused else ())


@pytest.mark.parametrize("events, excused", [
    ([["error", "EPIPE"], ["close", True]], True), ([["close", False]], False)])
def test_a_callback_may_fail_only_behind_a_failure(events, excused):
    """In one turn, of a call that Node still takes."""
    left = {"events": [["callback", "write@together@0", None], *events], "props": {"destroyed": True}}
    right = {"events": [["callback", "write@together@0", "ERR_STREAM_DESTROYED"], *events], "props": left["props"]}
    found = verdict(left, right, ("client", "together", ["write", ["fill", 5], False], ["write", ["fill", 5], True]))
    assert (found.difference is None) is excused
    assert found.rules == (("destroyed-at-once",) if excused else ())


def data(size, letter="a"):
    return {"bytes": size, "runs": [[ord(letter), size]]}


def test_larger_receives_are_excused_as_long_as_every_byte_is_there():
    once, whole = "data#once@1", 300000
    left = {"events": [["data", data(whole)], [once, data(65536)]], "told": {"largest": 65536, "refused": 0}}

    def ours(first, all_of_it):
        return {"events": [["data", all_of_it], [once, first]], "told": {"largest": 98304, "refused": 0}}
    assert verdict(left, ours(data(98304), data(whole))).rules == ("receive-sizes",)
    assert verdict(left, ours(data(98304), data(whole - 1))).difference is not None
    paused = dict(ours(data(98304), data(98304)), props={"bytes_read": 98304, "readable_flowing": False})
    assert verdict(left, paused).cut == "receive-sizes"
    assert verdict(left, ours(data(98304, "b"), data(whole))).difference is not None
    assert verdict(left, ours(data(98304), {"bytes": whole, "runs": [[97, 9], [98, whole - 9]]})).difference is not None
    small = {"events": [["data", data(900)]], "told": {"largest": 900, "refused": 0}}
    less = {"events": [["data", data(899)]], "told": {"largest": 899, "refused": 0}}
    assert verdict(small, less).difference is not None


@pytest.mark.parametrize("events, need, refused, lawful", [
    ([["drain"]], False, 1, True),
    ([["drain"]], False, 2, True),
    ([["drain"], ["drain"]], False, 2, True),
    ([], True, 1, True),
    ([], False, 1, False),              # it never came
    ([["drain"]], False, 0, False),     # nobody was told to wait
    ([["drain"], ["drain"]], False, 1, False),
])
def test_drain_must_follow_what_was_answered_with_false(events, need, refused, lawful):
    left = {"results": [["write", True]]}
    right = {"results": [["write", not refused]], "events": events, "props": {"writable_need_drain": need},
             "told": {"refused": refused, "largest": 0}}
    found = verdict(left, right, ("client", "write", ["fill", 5], False))
    assert (found.difference is None) is lawful
    assert found.rules == (("write-returns",) if lawful else ())


def test_every_defect_can_be_planted():
    done = subprocess.run([sys.executable, "-c", "import differential_defects as d; [plant() for plant in "
                           "d.DEFECTS.values()]; print(all(plant.__doc__ for plant in d.DEFECTS.values()))"],
                          cwd=str(TOOL.parent), env=dict(os.environ, PYTHONPATH=str(TOOL.parent.parent)),
                          stdout=subprocess.PIPE, universal_newlines=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True\n")


def test_a_world_that_hangs_is_found_out():
    class Dead(Fake):
        def receive(self, limit):
            good = not any(program["name"] == "1/7" for program in self.programs)
            return super().receive(limit) if good else None
    checker = differential.Checker(differential.Worlds(Fake(), Dead()), [])
    checker.check([differential.generate(1, index) for index in range(12)])
    assert (checker.same, checker.different) == (11, 1)
    assert checker.findings[0].program["name"] == "1/7"


def test_rules_have_names_and_reasons_of_their_own():
    names = [rule.name for rule in differential.RULES]
    assert len(set(names)) == len(names)
    assert all(len(rule.reason) > 20 for rule in differential.RULES)


def test_without_node_it_says_so_and_passes():
    done = subprocess.run([sys.executable, str(TOOL), "--quick", "--node", "/nowhere/node"], stdout=subprocess.PIPE,
                          universal_newlines=True, timeout=30)
    assert done.returncode == 0
    assert "NO NODE HERE" in done.stdout and done.stdout.count("\n") == 1


def test_every_rule_is_on_the_page_of_differences():
    page = (Path(__file__).resolve().parent.parent / "docs" / "node-differences.md").read_text(encoding="utf-8")
    stated = page.partition("### Rules of the random comparison")[2].partition("\n## ")[0]
    rows = [line for line in stated.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{rule.name}` | {rule.reason} |" for rule in differential.RULES]
