"""The arithmetic of `bench.py`, and what it writes: verdicts, the report, its charts.

A series is one run of a cell: `{"cell": …, "runs": {side: [figures or None, …]}, …}`, the rounds in the same order for
each side. Ratios are made within a round, of what ran in turns; what is told of them is median, least and most.
"""
from __future__ import annotations

import statistics
from html import escape
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from bench_workloads import BY_NAME, CELLS, GOALS, GROUPS, LABELS, Cell, Comparison, Goal

Series = Dict[str, Any]
NOTES_BEGIN, NOTES_END = "<!-- notes: kept when this page is made again -->", "<!-- end of the notes -->"


class Spread(NamedTuple):
    """What is told of several values."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Optional[Spread]":
        return cls(statistics.median(values), min(values), max(values), len(values)) if values else None


def figures_of(series: Series, side: str, figure: str) -> List[Optional[float]]:
    """One value for each round; `None` where the side failed or does not tell."""
    return [run.get(figure) if run else None for run in series["runs"].get(side, ())]


def ratios(ours: Sequence[Optional[float]], theirs: Sequence[Optional[float]]) -> List[float]:
    """Round by round; a round in which one of the two failed does not count."""
    return [a / b for a, b in zip(ours, theirs) if a is not None and b]


def newest(all_series: Iterable[Series], cell: str, *sides: str) -> Optional[Series]:
    """The last series of this cell in which all these sides ran."""
    found = None
    for series in all_series:
        if series["cell"] == cell and all(side in series["runs"] for side in sides):
            found = series
    return found


def compare(all_series: Sequence[Series], comparison: Comparison) -> Optional[Spread]:
    """`None` if it was not measured."""
    sides = [side for side in (comparison.ours, comparison.theirs) if side is not None]
    series = newest(all_series, comparison.cell, *sides)
    if series is None:
        return None
    ours = figures_of(series, comparison.ours, comparison.figure)
    if comparison.theirs is None:
        return Spread.of([value for value in ours if value is not None])
    theirs = figures_of(series, comparison.theirs, comparison.their_figure or comparison.figure)
    return Spread.of(ratios(ours, theirs))


class Verdict(NamedTuple):
    """A goal and what was measured for it: one spread for each comparison, `None` where there is none yet."""

    goal: Goal
    spreads: Tuple[Optional[Spread], ...]

    @property
    def word(self) -> str:
        if not any(self.spreads):
            return "not measured"
        if any(spread and not self.goal.holds(spread.median) for spread in self.spreads):
            return "missed"
        return "met" if all(self.spreads) else "met where measured"

    def told(self) -> str:
        """The figure: the worst median, with the least and the most of that comparison, and how many hold."""
        worst = self.worst()
        if worst is None:
            return ""
        comparison, spread = worst
        text = f"{number(spread.median)} ({number(spread.least)}–{number(spread.most)})"
        if len(self.spreads) > 1:
            held = sum(1 for each in self.spreads if each and self.goal.holds(each.median))
            text += f" in the worst of {len(self.spreads)}, {BY_NAME[comparison.cell].title}; {held} hold"
        return text

    def worst(self) -> Optional[Tuple[Comparison, Spread]]:
        pairs = [(comparison, spread) for comparison, spread in zip(self.goal.comparisons, self.spreads) if spread]
        if not pairs:
            return None
        lowest = self.goal.at_least is not None
        return (min if lowest else max)(pairs, key=lambda pair: pair[1].median)


def verdicts(all_series: Sequence[Series]) -> List[Verdict]:
    return [Verdict(goal, tuple(compare(all_series, comparison) for comparison in goal.comparisons))
            for goal in GOALS]


# ---- text ----

def number(value: float) -> str:
    """Three digits are told: the others are noise."""
    if abs(value) >= 1000:
        digits = max(len(str(int(abs(value)))) - 3, 0)
        return f"{round(value, -digits):,.0f}".replace(",", " ")
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def label(side: str) -> str:
    if side in LABELS:
        return LABELS[side]
    name, comma, rest = side.partition(",")
    word, space, more = name.partition(" ")
    return LABELS.get(word, word) + space + more + comma + rest


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> List[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def verdict_lines(found: Sequence[Verdict]) -> List[str]:
    """The table of the goals."""
    return table(["netcompat against", "goal", "median (least–most)", "verdict"],
                 [[verdict.goal.text, verdict.goal.limit(), verdict.told(), verdict.word] for verdict in found])


def matrix_lines(cells: Sequence[Cell], all_series: Sequence[Series], figure: str, ratio: str = "×") -> List[str]:
    """One row for each cell, one column for each side: the median, and the ratio of netcompat to it."""
    sides = unique(side.name for cell in cells for side in cell.sides
                   if newest(all_series, cell.name, side.name) is not None)
    rows = []
    for cell in cells:
        row = []
        for side in sides:
            series = newest(all_series, cell.name, cell.sides[0].name, side)
            value = series and Spread.of([v for v in figures_of(series, side, figure) if v is not None])
            if not value:
                row.append("")
                continue
            spread = compare(all_series, Comparison(cell.name, cell.sides[0].name, side, figure))
            row.append(number(value.median) + (f"<br>{ratio}{number(spread.median)}" if spread and
                                               side != cell.sides[0].name else ""))
        if any(row):
            rows.append([cell.title] + row)
    return table([""] + [label(side) for side in sides], rows) if rows else []


def list_lines(cells: Sequence[Cell], all_series: Sequence[Series]) -> List[str]:
    """One row for each side of each cell, with all its figures."""
    figures = unique(figure for cell in cells for figure in cell.figures)
    rows = []
    for cell in cells:
        first = cell.sides[0].name
        for side in cell.sides:
            series = newest(all_series, cell.name, first, side.name)
            if series is None:
                continue
            row = [cell.title, label(side.name)]
            for figure in figures:
                value = Spread.of([v for v in figures_of(series, side.name, figure.name) if v is not None])
                row.append(f"{number(value.median)} ({number(value.least)}–{number(value.most)})" if value else "")
            spread = compare(all_series, Comparison(cell.name, first, side.name, cell.figures[0].name))
            row.append(f"{number(spread.median)} ({number(spread.least)}–{number(spread.most)})"
                       if spread and side.name != first else "")
            rows.append(row)
    if not rows:
        return []
    base = unique(label(cell.sides[0].name) for cell in cells)
    return table(["", "", *(figure.unit for figure in figures),
                  f"ratio of {base[0] if len(base) == 1 else 'the first'} to it"], rows)


def unique(values: Iterable[Any]) -> List[Any]:
    return list(dict.fromkeys(values))


def machine_lines(all_series: Sequence[Series]) -> List[str]:
    """Where, with what, and how often it was measured."""
    lines = []
    for machine in unique(series["machine"] for series in all_series):
        lines.append(f"* {machine}")
    versions: Dict[str, str] = {}
    for series in all_series:
        versions.update({LABELS.get(contestant.partition("@")[0], contestant) +
                         (" (free-threaded)" if contestant.endswith("@t") else ""): version
                         for contestant, version in series["versions"].items()})
    by_version: Dict[str, List[str]] = {}
    for name, version in versions.items():
        by_version.setdefault(version, []).append(name)
    lines += [f"* {version}: {', '.join(names)}" for version, names in by_version.items()]
    rounds = [series["rounds"] for series in all_series]
    seconds = unique(f"{series['seconds']:g}" for series in all_series)
    lines.append(f"* {min(rounds)}{f' to {max(rounds)}' if max(rounds) > min(rounds) else ''} counted rounds after "
                 f"a warm-up round; an echo run counts {' or '.join(seconds)} s; nothing is pinned to a core")
    lines.append(f"* the load: {' and '.join(unique(series['load'] for series in all_series))}")
    return lines


def charts(all_series: Sequence[Series]) -> Dict[str, str]:
    """The pictures, by file name."""
    made: Dict[str, str] = {}

    def rows(cell: str, sides: Sequence[str], figure: str, base: Optional[str]) -> List[Tuple[str, float]]:
        found = []
        for side in sides:
            theirs = base or side
            spread = compare(all_series, Comparison(cell, side, theirs if base else None, figure))
            if spread is not None:
                found.append((side, spread.median))
        return found

    picked = ("netcompat", "asyncio", "uvloop", "node", "executor", "threading")
    groups = [(BY_NAME[name].title, rows(name, picked, "rate", "asyncio"))
              for name in ("echo-1x64B", "echo-50x1KiB", "echo-500x1KiB", "echo-50x64KiB")]
    made["performance-echo.svg"] = bar_chart("Echo: messages a second, asyncio Protocol = 1", groups)
    groups = [(BY_NAME[cell].title, [(side, spread.median) for side in ("netcompat", "asyncio", "executor", "threading")
                                     for spread in [compare(all_series, Comparison(cell, side, f"{side} alone"))]
                                     if spread])
              for cell in ("sleepers", "quick-beside-sleeping", "quick-beside-blocking")]
    made["performance-blocking.svg"] = bar_chart("What quick connections keep of their throughput", groups)
    groups = [(BY_NAME[cell].title, rows(cell, ("netcompat", "streams", "asyncio", "node"), "kib", None))
              for cell in ("memory-1000", "memory-10000")]
    made["performance-memory.svg"] = bar_chart("Memory: KiB for each idle connection", groups)
    return {name: text for name, text in made.items() if text}


COLORS = {"netcompat": "#1f77b4", "asyncio": "#7f7f7f", "streams": "#bcbd22", "executor": "#ff7f0e",
          "threading": "#9467bd", "uvloop": "#2ca02c", "node": "#8c564b"}


def bar_chart(title: str, groups: Sequence[Tuple[str, Sequence[Tuple[str, float]]]]) -> str:
    """An SVG of horizontal bars in groups; empty if there is nothing to show."""
    groups = [group for group in groups if group[1]]
    if not groups:
        return ""
    width, left, bar = 720, 200, 16
    longest = max(value for _, bars in groups for _, value in bars) or 1.0
    y, parts = 34, []
    for name, bars in groups:
        parts.append(f'<text x="8" y="{y + 12}" font-weight="bold">{escape(name)}</text>')
        y += 20
        for side, value in bars:
            length = max(value / longest * (width - left - 70), 1)
            parts.append(f'<text x="{left - 6}" y="{y + 12}" text-anchor="end">{escape(plain(side))}</text>'
                         f'<rect x="{left}" y="{y + 1}" width="{length:.1f}" height="{bar - 3}" '
                         f'fill="{COLORS.get(side, "#17becf")}"/>'
                         f'<text x="{left + length + 6:.1f}" y="{y + 12}">{number(value)}</text>')
            y += bar
        y += 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y}" width="{width}" height="{y}" '
            f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#fff"/>\n'
            f'<text x="8" y="20" font-size="15">{escape(title)}</text>\n' + "\n".join(parts) + "\n</svg>\n")


def plain(side: str) -> str:
    return label(side).replace("`", "")


# ---- the report ----

INTRODUCTION = """# Performance

Made by `tools/bench.py`. Every figure comes from whole processes: the contestants of a line ran in turns, in fresh
processes, each after a warm-up load, and the load came from one more process. A machine's mood changes from minute to
minute, so what counts is the ratio within a round: medians, with the least and the most in brackets. Every server as it
was measured is in `tools/bench_servers.py`. To measure on a machine of your own:

```sh
python3 tools/bench.py --quick                                # a minute: does all of it work here?
python3 tools/bench.py --only 'goal-*' --results bench.json   # what the first table needs
python3 tools/bench.py --results bench.json --resume --report docs/performance.md
```
"""


def report(all_series: Sequence[Series], notes: str, images: Iterable[str]) -> str:
    """The page, as Markdown. `notes`: what people wrote about the figures."""
    all_series = list(all_series)
    lines = INTRODUCTION.splitlines() + ["", "## Where it was measured", ""] + machine_lines(all_series)
    lines += ["", "## Goals", "", *verdict_lines(verdicts(all_series)), ""]
    lines += [NOTES_BEGIN, *notes.strip("\n").splitlines(), NOTES_END, ""]
    titles = {"performance-echo.svg": "Echo", "performance-blocking.svg": "Blocking listeners",
              "performance-memory.svg": "Memory"}
    for image in images:
        lines += [f"![{titles.get(image, image)}]({image})", ""]
    for name, group in GROUPS.items():
        cells = [cell for cell in CELLS if cell.group == name]
        if group.matrix:
            body = matrix_lines(cells, all_series, "rate")
            if name == "echo" and body:
                body += ["", "Latency that 99 % of the messages stay below, in µs:", "",
                         *matrix_lines(cells, all_series, "p99_us"), "",
                         "CPU time of the server for each message, in µs, all its threads together:", "",
                         *matrix_lines(cells, all_series, "cpu_us")]
        else:
            body = list_lines(cells, all_series)
        if body:
            lines += [f"## {group.title}", "", group.text, "", *body, ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def write_report(path: Path, all_series: Sequence[Series]) -> None:
    """Write the page and its charts beside it; the notes of the page that is there are kept."""
    notes = ""
    if path.exists():
        _, begun, rest = path.read_text(encoding="utf-8").partition(NOTES_BEGIN)
        notes = rest.partition(NOTES_END)[0] if begun else ""
    pictures = charts(all_series)
    for name, text in pictures.items():
        path.with_name(name).write_text(text, encoding="utf-8")
    path.write_text(report(all_series, notes, pictures), encoding="utf-8")
