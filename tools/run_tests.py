#!/usr/bin/env python3
"""Runs the test suite in a virtual environment of its own, which is made when it is missing or stale.

    python3 tools/run_tests.py [--python PATH] [--venv DIR] [pytest arguments]

Needs nothing but Python 3.8 or newer and a way to install pytest. The environment is `.venv` in the root of the
repository, or `.venv-<version>` when another interpreter is chosen with `--python`. The exit status is pytest's.
"""
import argparse
import configparser
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, NoReturn, Tuple

ROOT = Path(__file__).resolve().parent.parent
STAMP = "made-by-run_tests.json"
OLDEST = (3, 8)

# Run by the chosen interpreter: what it is, and whether it can make environments.
PROBE = """
import importlib.util, json, os, sys, sysconfig
print(json.dumps({
    "name": sys.implementation.name,
    "version": list(sys.version_info[:2]),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "build": sys.version,
    "base": os.path.realpath(sys.base_prefix),
    "missing": [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None],
}))
"""


def fail(message: str) -> NoReturn:
    """Ends the program with one line."""
    raise SystemExit("run_tests: " + message)


def parse_arguments(arguments: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    """Our own options, and all the rest in its order."""
    parser = argparse.ArgumentParser(
        description="Run the tests in a virtual environment of their own.",
        usage="%(prog)s [--python PATH] [--venv DIR] [pytest arguments]",
        epilog="Everything else is handed to pytest, for example: -k stream -x",
        allow_abbrev=False,
    )
    parser.add_argument("--python", metavar="PATH", help="the interpreter to test with (default: this one)")
    parser.add_argument("--venv", metavar="DIR", help="where to keep the environment")
    return parser.parse_known_args(arguments)


def probe(python: str) -> Dict[str, Any]:
    """What `python` says about itself; anything that keeps it from answering is an `OSError`."""
    result = subprocess.run([python, "-I", "-c", PROBE], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, universal_newlines=True)
    try:
        answer = json.loads(result.stdout)
    except ValueError:
        raise OSError(last_line(result.stderr) or "exit status {}".format(result.returncode)) from None
    assert isinstance(answer, dict)
    return answer


def last_line(text: str) -> str:
    """The last line of `text` that says anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def tag(about: Dict[str, Any]) -> str:
    """`3.8`, `3.13t`, `pypy3.10`."""
    name = "" if about["name"] == "cpython" else about["name"]
    return "{}{}.{}{}".format(name, *about["version"], "t" if about["free_threaded"] else "")


def requirements(extras: Tuple[str, ...] = ("test",)) -> List[str]:
    """The requirements of these extras in setup.cfg."""
    config = configparser.ConfigParser()
    config.read(str(ROOT / "setup.cfg"), encoding="utf-8")
    return [each for extra in extras for each in config.get("options.extras_require", extra).splitlines() if each]


@contextlib.contextmanager
def locked(venv: Path) -> Iterator[None]:
    """Only one process at a time makes or fills an environment."""
    path = venv.with_name(venv.name + ".lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if sys.platform == "win32":
            import msvcrt
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:     # ten seconds have passed: the other one still installs
                    continue
        else:
            import fcntl
            fcntl.flock(file, fcntl.LOCK_EX)
        yield                       # closing the file unlocks it


def interpreter(venv: Path) -> Path:
    """The environment's Python."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_current(venv: Path, stamp: Dict[str, Any]) -> bool:
    """Whether `venv` was made by this interpreter, and still runs."""
    try:
        made_by = json.loads((venv / STAMP).read_text(encoding="utf-8"))
        about = probe(str(interpreter(venv)))
    except (OSError, ValueError):
        return False
    return bool(made_by.get("build") == about["build"] == stamp["build"] and made_by.get("base") == stamp["base"])


def is_filled(venv: Path, stamp: Dict[str, Any]) -> bool:
    """Whether the requirements are installed, and are still the ones asked for."""
    try:
        if json.loads((venv / STAMP).read_text(encoding="utf-8")) != stamp:
            return False
    except (OSError, ValueError):
        return False
    result = subprocess.run([str(interpreter(venv)), "-I", "-c", "import pytest, pytest_timeout"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return result.returncode == 0


def make(venv: Path, python: str, about: Dict[str, Any]) -> None:
    """Makes the environment anew; what is there and is no environment is never removed."""
    if about["missing"]:
        fail("{} has no module {}, so it cannot make a virtual environment; install it (Debian, Ubuntu: "
             "apt-get install python{}-venv)".format(python, " and no ".join(about["missing"]), tag(about)))
    if venv.exists() and not (venv / "pyvenv.cfg").exists() and any(venv.iterdir()):
        fail("{} exists and is no virtual environment; remove it or choose another with --venv".format(venv))
    print("run_tests: making {} with Python {}".format(venv, tag(about)), file=sys.stderr, flush=True)
    shutil.rmtree(str(venv), ignore_errors=True)
    result = subprocess.run([python, "-I", "-m", "venv", str(venv)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if result.returncode != 0:
        fail("cannot make {}: {}".format(venv, last_line(result.stdout)))


def fill(venv: Path, stamp: Dict[str, Any]) -> None:
    """Installs the requirements and notes that it was done."""
    result = subprocess.run(
        [str(interpreter(venv)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        + stamp["requirements"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if result.returncode != 0:
        errors = [line for line in result.stdout.splitlines() if line.startswith("ERROR")]
        fail("pip cannot install {}: {}".format(
            " ".join(stamp["requirements"]), errors[-1] if errors else last_line(result.stdout)))
    (venv / STAMP).write_text(json.dumps(stamp), encoding="utf-8")


def prepare(venv: Path, python: str, about: Dict[str, Any], extras: Tuple[str, ...] = ("test",)) -> None:
    """Leaves an environment in which the tests can run."""
    stamp = {"build": about["build"], "base": about["base"], "requirements": requirements(extras)}
    with locked(venv):
        if not is_current(venv, stamp):
            make(venv, python, about)
        if not is_filled(venv, stamp):
            fill(venv, stamp)


def run(venv: Path, arguments: List[str]) -> int:
    """Runs pytest and returns its status. Ctrl-C reaches pytest too: it says so, and we wait for it."""
    environment = dict(os.environ)
    environment.pop("PYTHONHOME", None)
    path = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    process = subprocess.Popen([str(interpreter(venv)), "-m", "pytest"] + arguments, cwd=str(ROOT), env=environment)
    while True:
        try:
            status = process.wait()
            break
        except KeyboardInterrupt:
            continue
    return status if status >= 0 else 128 - status


def main() -> int:
    options, arguments = parse_arguments(sys.argv[1:])
    python = options.python or sys.executable
    if options.python and os.path.dirname(python):
        python = os.path.abspath(python)        # not resolved: a link may be what makes it an environment
    try:
        about = probe(python)
    except OSError as error:
        fail("cannot run {}: {}".format(python, error.strerror or error))
    if tuple(about["version"]) < OLDEST:
        fail("{} is Python {}; netcompat needs {}.{} or newer".format(python, tag(about), *OLDEST))
    name = ".venv-" + tag(about) if options.python else ".venv"
    venv = Path(os.path.abspath(options.venv)) if options.venv else ROOT / name
    try:
        prepare(venv, python, about)
    except OSError as error:
        fail(str(error))
    return run(venv, arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
