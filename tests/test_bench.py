"""The arithmetic of `tools/bench.py` and what it writes; the measuring itself is tried by `tools/bench.py --quick`."""
import os
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest

from conftest import ROOT

sys.path.insert(0, os.path.join(str(ROOT), "tools"))
import bench            # noqa: E402
import bench_report     # noqa: E402
from bench_report import Spread, Verdict    # noqa: E402
from bench_workloads import BY_NAME, CELLS, GOALS, Comparison, Goal     # noqa: E402

CELL = "echo-50x1KiB"


def series(cell: str = CELL, **rates: List[Optional[float]]) -> Dict[str, Any]:
    """A run of a cell in which each side reached these rates, one a round; `None` where it failed."""
    runs = {side: [rate and {"rate": rate, "p99_us": 1e6 / rate} for rate in values] for side, values in rates.items()}
    return {"cell": cell, "runs": runs, "rounds": 3, "seconds": 1.0, "machine": "a machine", "load": "C",
            "versions": {side: "CPython 3.11" for side in rates}, "when": "2026-01-01"}


def verdict(limit: float, *spreads: Optional[Spread]) -> Verdict:
    comparisons = tuple(Comparison(CELL, "netcompat", "asyncio") for _ in spreads)
    return Verdict(Goal("goal-x", "text", comparisons, at_least=limit), spreads)


def spread(median: float) -> Spread:
    return Spread(median, median - 0.1, median + 0.1, 3)


# ---- the arithmetic ----

def test_a_ratio_is_made_within_a_round():
    """The machine was half as fast in the second round: that changes no ratio, as it would change one of medians."""
    assert bench_report.ratios([100, 50, 90], [50, 25, 30]) == [2, 2, 3]


def test_a_round_in_which_one_failed_does_not_count():
    assert bench_report.ratios([100, None, 90], [50, 25, None]) == [2]


def test_a_spread_has_median_least_and_most():
    assert Spread.of([3, 1, 2, 10]) == Spread(2.5, 1, 10, 4)
    assert Spread.of([]) is None


def test_the_newest_series_counts_that_has_both_sides():
    both, alone = series(netcompat=[100], asyncio=[50]), series(netcompat=[1])
    found = bench_report.compare([series(netcompat=[7], asyncio=[1]), both, alone],
                                 Comparison(CELL, "netcompat", "asyncio"))
    assert found == Spread(2, 2, 2, 1)


def test_what_was_not_measured_is_not_compared():
    assert bench_report.compare([series(netcompat=[1])], Comparison(CELL, "netcompat", "asyncio")) is None


def test_a_comparison_may_be_of_two_figures_of_one_side():
    found = bench_report.compare([series(netcompat=[1000])],
                                 Comparison(CELL, "netcompat", "netcompat", "rate", "p99_us"))
    assert found is not None and found.median == 1.0


# ---- verdicts ----

def test_a_goal_is_met_when_every_median_holds():
    assert verdict(1.0, spread(1.0), spread(2.0)).word == "met"


def test_a_goal_is_missed_when_one_median_does_not_hold():
    found = verdict(1.0, spread(2.0), spread(0.99))
    assert found.word == "missed"
    assert found.told() == "0.99 (0.89–1.09) in the worst of 2, 50 × 1 KiB; 1 hold"


def test_a_goal_of_which_a_part_is_measured_is_not_called_met():
    assert verdict(1.0, spread(2.0), None).word == "met where measured"
    assert verdict(1.0, None, None).word == "not measured"


def test_at_most_is_the_other_way_round():
    goal = Goal("goal-x", "text", (Comparison(CELL, "netcompat", None),) * 2, at_most=30)
    found = Verdict(goal, (spread(29), spread(31)))
    assert found.word == "missed" and found.worst()[1].median == 31


# ---- the table of cells and goals ----

def test_names_are_told_once():
    names = [cell.name for cell in CELLS] + [goal.name for goal in GOALS]
    assert len(names) == len(set(names))
    assert all(goal.name.startswith("goal-") for goal in GOALS)


def test_every_goal_compares_what_is_measured():
    for goal in GOALS:
        assert goal.comparisons and (goal.at_least is None) != (goal.at_most is None)
        for comparison in goal.comparisons:
            names = [side.name for side in BY_NAME[comparison.cell].sides]
            assert comparison.ours in names and comparison.theirs in names + [None], goal.name


def test_the_first_side_of_every_cell_is_netcompat():
    assert all(cell.sides[0].contestant == "netcompat" and set(cell.quick) <= {side.name for side in cell.sides}
               for cell in CELLS)


def test_a_goal_is_run_with_its_own_sides_only():
    ((cell, sides),) = bench.choose(["goal-memory"])
    assert cell.name == "memory-10000" and [side.name for side in sides] == ["netcompat", "streams"]


def test_a_pattern_chooses_cells_and_contestants():
    chosen = bench.choose(["echo-1x*"], against=["node"])
    assert [cell.name for cell, _ in chosen] == ["echo-1x64B", "echo-1x1KiB", "echo-1x64KiB", "echo-1x64B-16",
                                                 "echo-1x1KiB-16", "echo-1x64KiB-16"]
    assert all([side.name for side in sides] == ["netcompat", "node"] for _, sides in chosen)


# ---- the report ----

def test_numbers_are_told_with_three_digits():
    assert [bench_report.number(value) for value in (0.123, 9.876, 12.34, 123.4, 1234, 123456)] == \
        ["0.12", "9.88", "12.3", "123", "1 230", "123 000"]


def test_the_report_has_goals_figures_and_versions():
    text = bench_report.report([series(netcompat=[100, 110], asyncio=[50, 50])], "", ["performance-echo.svg"])
    assert "| 50 × 1 KiB | 105 | 50.0<br>×2.10 |" in text
    assert "| asyncio Protocol, 1/50/500 connections × 64 B/1 KiB/64 KiB | ≥ 1 | 2.10 (2.00–2.20) in the worst of 9, " \
        "50 × 1 KiB; 1 hold | met where measured |" in text
    assert "* CPython 3.11: netcompat, asyncio Protocol" in text
    assert "not measured" in text and "![Echo](performance-echo.svg)" in text


def test_what_people_wrote_survives_a_new_report(tmp_path: Path):
    page = tmp_path / "performance.md"
    all_series = [series(netcompat=[100], asyncio=[50])]
    bench_report.write_report(page, all_series)
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(bench_report.NOTES_END, "A remark.\n" + bench_report.NOTES_END), encoding="utf-8")
    bench_report.write_report(page, all_series)
    bench_report.write_report(page, all_series)
    assert page.read_text(encoding="utf-8").count("\nA remark.\n") == 1
    assert (tmp_path / "performance-echo.svg").exists()


def test_a_chart_is_well_formed_and_to_scale():
    text = bench_report.bar_chart("a < b", [("group & more", [("netcompat", 2.0), ("asyncio", 1.0)]), ("none", [])])
    bars = [float(bar.get("width", "0")) for bar in ElementTree.fromstring(text).iter()
            if bar.tag.endswith("rect") and bar.get("x")]
    assert len(bars) == 2 and bars[0] == pytest.approx(2 * bars[1])


def test_nothing_to_show_makes_no_chart():
    assert bench_report.bar_chart("title", [("group", [])]) == "" and bench_report.charts([]) == {}
