"""What is installed is what is meant: the metadata in setup.cfg, and the package run from a zip and as a vendored copy.

No network and no build: the files are read as a build would read them.
"""
import ast
import configparser
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

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


def test_no_requirements_but_for_tests_and_linting() -> None:
    parser = config()
    assert lines(parser["options"]["install_requires"]) == []
    assert parser["options"]["python_requires"] == ">=3.8"
    assert set(parser["options.extras_require"]) == {"test", "lint"}
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


def test_works_as_a_vendored_copy(run_script: Callable[..., Any], tmp_path: Path) -> None:
    """Another name, and no `netcompat` to fall back on: every module imports, and a connection carries bytes."""
    vendor = tmp_path / "vendored" / "host" / "_vendor"
    shutil.copytree(str(PACKAGE), str(vendor / "netcompat"), ignore=shutil.ignore_patterns("__pycache__"))
    (vendor / "__init__.py").write_text("")
    (vendor.parent / "__init__.py").write_text("")
    result = run_script("""
        import importlib, pkgutil, sys
        sys.path.insert(0, sys.argv[1])
        import host._vendor.netcompat as netcompat
        for module in pkgutil.walk_packages(netcompat.__path__, netcompat.__name__ + '.'):
            if not module.name.endswith('.__main__'):
                importlib.import_module(module.name)
        assert not [name for name in sys.modules if name.split('.')[0] == 'netcompat']
    """ + _indented(ECHO), vendor.parent.parent, env={"PYTHONPATH": None})
    assert (result.returncode, result.stdout, result.stderr) == (0, "over the wire\n", "")


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
