#!/usr/bin/env python3
"""What users get: sdist, wheel, an installed package, and a program frozen by PyInstaller.

    python3 tools/check_packaging.py [--quick]

Built from a copy of the sources, with setuptools alone and without build isolation, as on a machine without a package
index. The sdist builds the same wheel. The wheel is installed into an empty environment, where `pip list` must show
netcompat and what was there before, and nothing else; then its command runs, away from the sources. Last, an example is
frozen; where PyInstaller cannot be installed that is said and left out. `--quick` is the same: half a minute.
"""
from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import List, Set

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ["setup.cfg", "pyproject.toml", "LICENSE", "README.md", "netcompat"]
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, "build_" + sys.argv[1])(sys.argv[2]))
"""


def run(command: List[str], folder: Path, limit: float = 120.0) -> str:
    """The command's output; an error ends the check with all that it said."""
    # PIP_QUIET would leave nothing of `pip list`.
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PIP_QUIET")}
    done = subprocess.run(command, cwd=str(folder), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, timeout=limit)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def environment_in(folder: Path) -> str:
    """A new virtual environment; its interpreter."""
    run([sys.executable, "-m", "venv", str(folder)], folder.parent)
    return str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")


def installed(python: str, folder: Path) -> Set[str]:
    listed = run([python, "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze"], folder)
    return {line.partition("==")[0] for line in listed.splitlines() if "==" in line}


def build(python: str, kind: str, source: Path, target: Path) -> Path:
    run([python, "-c", BUILD, kind, str(target)], source)
    made, = target.iterdir()
    return made


def check_sdist_and_wheel(scratch: Path) -> Path:
    source = scratch / "source"
    source.mkdir()
    for name in SOURCES:
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(str(origin), str(source / name), ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(str(origin), str(source))
    python = environment_in(scratch / "builder")
    # The one requirement of the build; from 70.1 on it makes wheels without help.
    run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--upgrade", "setuptools>=70.1"],
        scratch)
    names = {"sdist", "wheel", "again"}
    folders = {name: scratch / name for name in names}
    for folder in folders.values():
        folder.mkdir()
    sdist = build(python, "sdist", source, folders["sdist"])
    wheel = build(python, "wheel", source, folders["wheel"])
    with tarfile.open(str(sdist)) as archive:
        archive.extractall(str(scratch / "unpacked"))
    unpacked, = (scratch / "unpacked").iterdir()
    again = build(python, "wheel", unpacked, folders["again"])
    with zipfile.ZipFile(str(wheel)) as first, zipfile.ZipFile(str(again)) as second:
        files = set(first.namelist())
        assert files == set(second.namelist()), files ^ set(second.namelist())
    modules = {str(file.relative_to(ROOT)).replace(os.sep, "/") for file in (ROOT / "netcompat").rglob("*.py")}
    assert modules | {"netcompat/py.typed"} <= files, sorted((modules | {"netcompat/py.typed"}) - files)
    strangers = {name for name in files if not name.startswith("netcompat")}
    assert not strangers, sorted(strangers)
    print(f"{sdist.name} and {wheel.name}: built with setuptools alone, the same from clone and sdist")
    return wheel


def check_installed(wheel: Path, scratch: Path) -> None:
    python = environment_in(scratch / "empty")
    before = installed(python, scratch)
    run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index", str(wheel)], scratch)
    new = installed(python, scratch) - before
    assert new == {"netcompat"}, new
    command = str(Path(python).with_name("netcompat"))
    assert "'connection'" in run([command, "demo"], scratch)
    where = run([python, "-c", "import netcompat; print(netcompat.__file__)"], scratch).strip()
    assert "site-packages" in where, where
    print(f"installed: pip list shows {', '.join(sorted(before | new))}; `netcompat demo` runs")


def check_frozen(scratch: Path) -> None:
    python = environment_in(scratch / "freezer")
    got = subprocess.run([python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "pyinstaller"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    if got.returncode:
        print("!!!!!!!! NOT HERE: PyInstaller: no program was frozen !!!!!!!!")
        return
    run([python, "-m", "PyInstaller", "--onedir", "--noconfirm", "--log-level", "ERROR", "--paths", str(ROOT),
         "--distpath", str(scratch / "frozen"), "--workpath", str(scratch / "work"), "--specpath", str(scratch),
         str(ROOT / "examples" / "echo.py")], scratch, 300)
    output = run([str(scratch / "frozen" / "echo" / "echo")], scratch)
    assert "client: received" in output and output.rstrip().endswith("server: closed"), output
    print("frozen by PyInstaller: examples/echo.py runs")


def main() -> int:
    parser = argparse.ArgumentParser(description="Build, install and freeze.")
    parser.add_argument("--quick", action="store_true", help="the same")
    parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netcompat-") as folder:
        scratch = Path(folder)
        check_installed(check_sdist_and_wheel(scratch), scratch)
        check_frozen(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
