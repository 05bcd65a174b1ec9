"""Addresses, block lists and encodings give the values that real Node gives: the recorded ones, and fresh ones."""
import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_tool():
    spec = importlib.util.spec_from_file_location("values_against_node", str(ROOT / "tools/values_against_node.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()


def test_values_are_those_recorded_from_node():
    lines = (ROOT / "tests/data/values_from_node.jsonl").read_text().splitlines()
    cases, answers = zip(*map(json.loads, lines))
    counts, disagreements = tool.verdicts_on(cases, answers)
    assert disagreements == []
    assert counts["agree"] > 400


def test_generated_values_are_those_of_this_node(node):
    cases = tool.make_cases(seed=11, count=3000)
    counts, disagreements = tool.verdicts_on(cases, tool.ask(node, cases))
    assert disagreements == []
    assert counts["agree"] > 3000
