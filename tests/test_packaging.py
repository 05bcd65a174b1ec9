"""What is installed is what is meant: the metadata in setup.cfg, and the package run from a zip, as a zipapp, as a
vendored copy, and as two copies at a time.

No network and no build here: the files are read as a build would read them. `tools/check_packaging.py` builds.
"""
import ast
import configparser
import re
import shutil
import subprocess
import sys
import textwrap
import zipapp
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import script_environment

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "netcompat"

# Listens, connects, echoes, closes; `netcompat` is bound before this text.
ECHO = """
server = netcompat.create_server(lambda socket: socket.pipe(socket))
server.listen(0, '127.0.0.1')
server.wait_for('listening', timeout=10)
client = netcompat.connect(server.address().port, '127.0.0.1')
client.end('over the wire')
received = b''
while True:
    chunk = client.recv(65536, timeout=10)
    if not chunk:
        break
    received += chunk
print(received.decode())
netcompat.shutdown(timeout=10)
"""


def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    assert parser.read(str(ROOT / "setup.cfg"), encoding="utf-8")
    return parser


def lines(text: str) -> List[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def static_values(file: Path) -> Dict[str, Any]:
    """The names to which the file assigns a literal at its top level: what `attr:` can read without importing."""
    values = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        targets: List[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        for target in targets:
            try:
                values[getattr(target, "id", "")] = ast.literal_eval(node.value)    # type: ignore[attr-defined]
            except ValueError:
                pass
    return values


def test_metadata() -> None:
    metadata = config()["metadata"]
    assert metadata["name"] == "netcompat"
    assert metadata["license"] == "MIT"
    assert metadata["description"]
    for file in lines(metadata["license_files"]) + [metadata["long_description"].replace("file:", "").strip()]:
        assert (ROOT / file).is_file(), file
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_version_is_static() -> None:
    reference = re.fullmatch(r"attr:\s*netcompat\.(\w+)", config()["metadata"]["version"])
    assert reference, "the version comes from the package"
    version = static_values(PACKAGE / "__init__.py").get(reference.group(1))
    assert isinstance(version, str), "__version__ in netcompat/__init__.py must be a literal"
    assert re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?(\.dev\d+)?", version), version


def test_no_requirements_but_for_its_developers() -> None:
    parser = config()
    assert lines(parser["options"]["install_requires"]) == []
    assert parser["options"]["python_requires"] == ">=3.8"
    assert set(parser["options.extras_require"]) == {"test", "lint", "coverage"}
    assert lines(parser["options.extras_require"]["test"]) == ["pytest", "pytest-timeout"]


def test_classifiers_fit_python_requires() -> None:
    classifiers = lines(config()["metadata"]["classifiers"])
    versions = [item.rsplit(" ", 1)[1] for item in classifiers
                if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", item)]
    assert versions[0] == "3.8"
    assert versions == ["3.{}".format(8 + index) for index in range(len(versions))]


def test_every_folder_of_the_package_is_installed() -> None:
    parser = config()
    assert parser["options"]["packages"].strip() == "find:"
    assert lines(parser["options.packages.find"]["include"]) == ["netcompat*"]
    missing = {str(file.parent.relative_to(ROOT)) for file in PACKAGE.rglob("*.py")
               if not (file.parent / "__init__.py").exists()}
    assert not missing, "without __init__.py these are left out: {}".format(sorted(missing))
    assert (PACKAGE / "py.typed").is_file()
    assert "py.typed" in parser["options.package_data"]["netcompat"].split()


def test_the_console_script_exists() -> None:
    entries = lines(config()["options.entry_points"]["console_scripts"])
    assert entries == ["netcompat = netcompat.__main__:main"]
    tree = ast.parse((PACKAGE / "__main__.py").read_text(encoding="utf-8"))
    assert "main" in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def test_pyproject_only_names_the_build_system() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r"^\[(.+)\]$", text, re.MULTILINE) == ["build-system"]
    assert 'build-backend = "setuptools.build_meta"' in text


def test_runs_from_a_zip(run_script: Callable[..., Any], tmp_path: Path) -> None:
    archive = tmp_path / "library.zip"
    with zipfile.ZipFile(str(archive), "w") as file:
        for source in sorted(PACKAGE.rglob("*.py")):
            file.write(str(source), str(source.relative_to(ROOT)))
    result = run_script("""
        import sys
        sys.path.insert(0, sys.argv[1])
        import netcompat
        assert netcompat.__file__.startswith(sys.argv[1]), netcompat.__file__
    """ + _indented(ECHO), archive)
    assert (result.returncode, result.stdout, result.stderr) == (0, "over the wire\n", "")


def copy_package(folder: Path) -> None:
    """The package, into `folder`. `copyfile`, since `copy2` calls what Wine has not, which ends the process."""
    shutil.copytree(str(PACKAGE), str(folder / "netcompat"), ignore=shutil.ignore_patterns("__pycache__"),
                    copy_function=shutil.copyfile)


def vendored_in(folder: Path) -> Path:
    """The package copied to `host/_vendor/netcompat` below a folder in there; the path of `_vendor`."""
    vendor = folder / "vendored" / "host" / "_vendor"
    copy_package(vendor)
    (vendor / "__init__.py").write_text("")
    (vendor.parent / "__init__.py").write_text("")
    return vendor


def test_works_as_a_vendored_copy(run_script: Callable[..., Any], tmp_path: Path) -> None:
    """Another name, and no `netcompat` to fall back on: every module imports, and a connection carries bytes."""
    vendor = vendored_in(tmp_path)
    result = run_script("""
        import importlib, pkgutil, sys
        sys.path.insert(0, sys.argv[1])
        import host._vendor.netcompat as netcompat
        for module in pkgutil.walk_packages(netcompat.__path__, netcompat.__name__ + '.'):
            if not module.name.endswith('.__main__'):
                try:
                    importlib.import_module(module.name)
                except ImportError as problem:
                    assert 'for Windows' in str(problem) and sys.platform != 'win32', problem
        assert not [name for name in sys.modules if name.split('.')[0] == 'netcompat']
    """ + _indented(ECHO), vendor.parent.parent, env={"PYTHONPATH": None})
    assert (result.returncode, result.stdout, result.stderr) == (0, "over the wire\n", "")


def test_runs_as_a_zipapp(tmp_path: Path) -> None:
    """The package itself as one file, and a program that has it inside."""
    source = tmp_path / "source"
    copy_package(source)
    zipapp.create_archive(str(source), str(tmp_path / "netcompat.pyz"), main="netcompat.__main__:main")
    (source / "program.py").write_text("import netcompat\n\n\ndef main():\n"
                                       + textwrap.indent(ECHO, "    "), encoding="utf-8")
    zipapp.create_archive(str(source), str(tmp_path / "program.pyz"), main="program:main")
    environment = script_environment({"PYTHONPATH": None})
    for archive, words in (("netcompat.pyz", "'connection'"), ("program.pyz", "over the wire")):
        command = [sys.executable, str(tmp_path / archive)] + (["demo"] if archive == "netcompat.pyz" else [])
        done = subprocess.run(command, cwd=str(tmp_path), env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert words in done.stdout


def test_two_copies_in_one_process_do_not_disturb_each_other(run_script: Callable[..., Any], tmp_path: Path) -> None:
    """Each has its own reactor, its own workers and its own `shutdown`; they talk to each other over the wire."""
    vendor = vendored_in(tmp_path)
    result = run_script("""
        import os, sys, warnings
        sys.path.insert(0, sys.argv[1])
        import netcompat
        import host._vendor.netcompat as vendored
        assert vendored.Socket is not netcompat.Socket

        server = vendored.create_server(lambda socket: socket.pipe(socket)).listen(0, "127.0.0.1")
        other = netcompat.create_server(lambda socket: socket.pipe(socket)).listen(0, "127.0.0.1")

        def ask(package, port):
            with package.connect(port, "127.0.0.1") as client:
                client.sendall(b"over the wire")
                client.end()
                return b"".join(client)

        for package in (netcompat, vendored):
            for port in (server.address().port, other.address().port):
                assert ask(package, port) == b"over the wire"
        assert netcompat.stats()["handles"].get("server") == vendored.stats()["handles"].get("server") == 1
        netcompat.shutdown(10)          # ends the handles of this copy, and no other
        assert not other.listening and server.listening
        assert ask(vendored, server.address().port) == b"over the wire"
        if hasattr(os, "fork"):         # both hooks run in the child, and it can work with either
            warnings.simplefilter("ignore", DeprecationWarning)     # of forking beside threads
            child = os.fork()
            if not child:
                server = netcompat.create_server(lambda socket: socket.pipe(socket)).listen(0, "127.0.0.1")
                status = 0 if ask(vendored, server.address().port) == b"over the wire" else 1
                os._exit(status)
            assert os.waitpid(child, 0)[1] == 0
        vendored.shutdown(10)
        print("done")
    """, vendor.parent.parent)
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", ""), result.stderr


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_command_line_starts(run_script: Callable[..., Any], argument: str) -> None:
    result = run_script("""
        import runpy, sys
        sys.argv = ['netcompat', sys.argv[1]]
        runpy.run_module('netcompat', run_name='__main__', alter_sys=True)
    """, argument)
    assert result.returncode == 0, result.stderr
    assert "netcompat" in result.stdout
    if argument == "--version":
        assert static_values(PACKAGE / "__init__.py")["__version__"] in result.stdout


def _indented(code: str) -> str:
    """The code, indented like the text that it is put behind."""
    return "".join("        " + line + "\n" for line in code.splitlines())
