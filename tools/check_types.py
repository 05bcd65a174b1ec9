"""The type check: `python3 tools/check_types.py`, with mypy installed in the interpreter that runs it.

First `mypy` over the package, strictly, as setup.cfg says. Then over tests/typing/uses.py, where it must flag exactly
the lines that end in `# wrong`: types that catch nothing help nobody.
"""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Set

ROOT = Path(__file__).resolve().parent.parent
USES = Path("tests") / "typing" / "uses.py"


def mypy(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "mypy", *arguments], cwd=str(ROOT), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)


def flagged(output: str) -> Set[int]:
    """The lines of the uses that mypy complains of."""
    found = re.findall(rf"^{re.escape(str(USES))}:(\d+): error", output, re.MULTILINE)
    return {int(line) for line in found}


def main() -> int:
    package = mypy()
    print(package.stdout, end="")
    uses = mypy("--strict", str(USES))
    lines = (ROOT / USES).read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    found = flagged(uses.stdout)
    for number in sorted(wrong ^ found):
        problem = "is wrong, and mypy does not see it" if number in wrong else "is right, and mypy complains"
        print(f"{USES}:{number} {problem}: {lines[number - 1].strip()}")
    if not wrong <= found or not found <= wrong or not found:
        print(uses.stdout, end="")
    print(f"{len(wrong & found)} of {len(wrong)} wrong uses flagged")
    return 1 if package.returncode or wrong != found else 0


if __name__ == "__main__":
    sys.exit(main())
