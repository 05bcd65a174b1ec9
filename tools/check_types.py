"""The type check: `python3 tools/check_types.py`, with mypy, and pyright if it can be had.

Both are looked for in the interpreter that runs this.

First each over the package: mypy strictly, as setup.cfg says, for this system, Windows and macOS. Then over
tests/typing/uses.py, where they must flag exactly the lines that end in `# wrong`: types that catch nothing help
nobody.
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


def pyright(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--pythonversion", "3.8",
                           *arguments], cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)


def flagged(output: str) -> Set[int]:
    """The lines of the uses that are complained of."""
    found = re.findall(rf"{re.escape(str(USES))}:(\d+):(?:\d+ -)? error", output)
    return {int(line) for line in found}


def check(name: str, package: "subprocess.CompletedProcess[str]", uses: "subprocess.CompletedProcess[str]") -> bool:
    """Print what one checker says; true if it accepts the package, and flags the wrong uses and no other."""
    print(f"{name}: {package.stdout.strip()}")
    lines = (ROOT / USES).read_text(encoding="utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    found = flagged(uses.stdout)
    for number in sorted(wrong ^ found):
        problem = f"is wrong, and {name} does not see it" if number in wrong else f"is right, and {name} complains"
        print(f"{USES}:{number} {problem}: {lines[number - 1].strip()}")
    if wrong != found:
        print(uses.stdout, end="")
    print(f"{name}: {len(wrong & found)} of {len(wrong)} wrong uses flagged")
    return package.returncode == 0 and wrong == found


def main() -> int:
    good = check("mypy", mypy(), mypy("--strict", str(USES)))
    for platform in ("win32", "darwin"):
        elsewhere = mypy("--platform", platform)
        print(f"mypy for {platform}: {elsewhere.stdout.strip()}")
        good = good and elsewhere.returncode == 0
    if pyright("--version").returncode == 0:
        good = check("pyright", pyright("netcompat"), pyright(str(USES))) and good
    else:
        print("!!!!!!!! NOT HERE: pyright: the types were checked by mypy alone !!!!!!!!")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
