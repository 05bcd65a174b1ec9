#!/usr/bin/env python3
"""Runs every Python example of the documentation, and checks that what the documentation points at exists.

    python3 tools/check_docs.py [FILE ...]

Without arguments: README.md and docs/*.md. Each block that starts with ```python runs in a fresh process, in an empty
folder, with the repository on the path, for 30 seconds at most. A comment in the line before a block changes that:

    <!-- not run: the reason -->    the block is only compiled
    <!-- continues -->              the block is appended to the one before it

A traceback shows the line numbers of the document. Links to files and headings, and paths in `code` and in shell
blocks, must exist. The exit status is 1 if anything failed.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Set, Tuple
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 30.0

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
NOT_RUN = re.compile(r"^<!--\s*not run:\s*(?P<reason>\S.*?)\s*-->$")
CONTINUES = re.compile(r"^<!--\s*continues\s*-->$")
INLINE_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
LINK_DEFINITION = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)>?")
CODE_SPAN = re.compile(r"(`+)(.+?)\1")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*\s*$")
MENTIONED_FILE = re.compile(r"^(?:[\w.-]+/)+[\w.*-]+\.(?:py|md|js|c|h|cfg|toml|sh|txt|yml|yaml|json)$")
SHELL = {"sh", "bash", "shell", "console"}


class Block(NamedTuple):
    """A fenced block: its language, the line number of its first line, its lines, and the comment before it."""

    language: str
    line: int
    lines: List[str]
    comment: str


class Document:
    """One Markdown file, taken apart into fenced blocks and the lines around them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = name_of(path)
        self.blocks: List[Block] = []
        self.prose: List[Tuple[int, str]] = []
        self._parse(path.read_text(encoding="utf-8").splitlines())

    def _parse(self, lines: List[str]) -> None:
        comment = ""
        opening = None
        content: List[str] = []
        start = 0
        for number, line in enumerate(lines, 1):
            match = FENCE.match(line)
            if opening is None:
                if match:
                    opening, content, start = match, [], number + 1
                    continue
                self.prose.append((number, line))
                if line.strip():
                    comment = line.strip()
            elif match and not match.group("info").strip() and match.group("fence").startswith(opening.group("fence")):
                language = (opening.group("info").split() or [""])[0]
                self.blocks.append(Block(language, start, content, comment))
                opening, comment = None, ""
            else:
                indent = len(opening.group("indent"))
                content.append(line[indent:] if not line[:indent].strip() else line)

    def headings(self) -> Set[str]:
        """The anchors of the headings, as GitHub makes them."""
        found: Dict[str, int] = {}
        anchors = set()
        for _, line in self.prose:
            match = HEADING.match(line)
            if match:
                text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1))
                slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
                count = found.get(slug, 0)
                found[slug] = count + 1
                anchors.add(slug if not count else "{}-{}".format(slug, count))
        return anchors | set(re.findall(r"<a (?:id|name)=\"([^\"]+)\"", "\n".join(line for _, line in self.prose)))


class Example:
    """What runs as one program: a block, and those that continue it."""

    def __init__(self, block: Block, reason: str) -> None:
        self.blocks = [block]
        self.reason = reason        # why it is not run

    def text(self) -> str:
        """The program, each line at the line number that it has in the document."""
        lines: List[str] = []
        for block in self.blocks:
            lines += [""] * (block.line - 1 - len(lines)) + block.lines
        return "\n".join(lines) + "\n"


class Check:
    """Counts, and prints what is wrong."""

    def __init__(self) -> None:
        self.ran = 0
        self.skipped = 0
        self.failed = 0

    def fail(self, document: Document, line: int, message: str) -> None:
        self.failed += 1
        print("{}:{}: {}".format(document.name, line, message), flush=True)

    # --- examples ---------------------------------------------------------------------------------------------------

    def examples(self, document: Document) -> List[Example]:
        """The document's Python blocks, put together to programs."""
        found: List[Example] = []
        for block in document.blocks:
            if block.language != "python":
                continue
            skip = NOT_RUN.match(block.comment)
            if CONTINUES.match(block.comment):
                if found:
                    found[-1].blocks.append(block)
                    continue
                self.fail(document, block.line, "there is no block to continue")
            found.append(Example(block, skip.group("reason") if skip else ""))
        return found

    def run(self, document: Document, example: Example) -> None:
        """Runs one program; all its blocks count."""
        line = example.blocks[0].line
        try:
            compile(example.text(), document.name, "exec")
        except SyntaxError as error:
            self.fail(document, error.lineno or line, "no Python: {}".format(error.msg))
            return
        if example.reason:
            self.skipped += len(example.blocks)
            print("{}:{}: not run: {}".format(document.name, line, example.reason), flush=True)
            return
        self.ran += len(example.blocks)
        started = time.monotonic()
        problem = execute(document.name, example.text())
        if problem:
            self.fail(document, line, problem)
        else:
            print("{}:{}: ran in {:.1f} s".format(document.name, line, time.monotonic() - started), flush=True)

    # --- links and paths --------------------------------------------------------------------------------------------

    def links(self, document: Document) -> None:
        """Every relative link leads to a file, and to a heading if it names one."""
        for number, line in document.prose:
            plain = CODE_SPAN.sub("", line)
            targets = INLINE_LINK.findall(plain) + LINK_DEFINITION.findall(plain)
            for target in targets:
                if re.match(r"^[a-zA-Z][a-zA-Z0-9+.-]*:|^//", target):
                    continue
                problem = broken(document, target)
                if problem:
                    self.fail(document, number, problem)

    def mentions(self, document: Document) -> None:
        """Every file that is named in `code` or in a shell block exists."""
        words = [(number, word) for number, line in document.prose
                 for _, span in CODE_SPAN.findall(line) for word in span.split()]
        words += [(block.line + offset, word) for block in document.blocks if block.language in SHELL
                  for offset, line in enumerate(block.lines) for word in line.split()]
        for number, word in words:
            if is_path(word) and not exists(document, word):
                self.fail(document, number, "there is no file {}".format(word))


def name_of(path: Path) -> str:
    try:
        return path.relative_to(ROOT).as_posix()
    except ValueError:
        return str(path)


def execute(name: str, text: str) -> Optional[str]:
    """Runs a program in an empty folder; what is wrong with it, or `None`."""
    environment = dict(os.environ, PYTHONFAULTHANDLER="1", PYTHONIOENCODING="utf-8")
    environment["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory(prefix="nc-") as scratch:
        script = Path(scratch) / "script" / re.sub(r"\W", "_", name)
        folder = Path(scratch) / "work"
        script.parent.mkdir()
        folder.mkdir()
        script = script.with_suffix(".py")
        script.write_text(text, encoding="utf-8")
        with tempfile.TemporaryFile() as output:        # no pipe: a grandchild that lives on could hold it open
            process = subprocess.Popen([sys.executable, str(script)], cwd=str(folder), env=environment,
                                       stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
            try:
                status = process.wait(TIMEOUT)
                problem = "exit status {}".format(status) if status else ""
            except subprocess.TimeoutExpired:
                problem = "not done within {:.0f} s".format(TIMEOUT)
            finally:
                process.kill()
                process.wait()
            output.seek(0)
            printed = output.read().decode("utf-8", "replace").replace(str(script), name)
    return "{}\n{}".format(problem, printed.rstrip()) if problem else None


def broken(document: Document, target: str) -> str:
    """What is wrong with a relative link, if anything."""
    file, _, anchor = target.partition("#")
    path = (document.path.parent / unquote(file)) if file else document.path
    if not path.exists():
        return "the link {} leads nowhere".format(target)
    if anchor and path.suffix == ".md" and unquote(anchor) not in Document(path).headings():
        return "the link {} names no heading of {}".format(target, path.name)
    return ""


def is_path(word: str) -> bool:
    """Whether a word of code names a file of this repository: a relative path with a suffix, or a document."""
    return bool(MENTIONED_FILE.match(word)) or word in ("setup.cfg", "pyproject.toml", ".ci/run") \
        or bool(re.match(r"^[A-Z][A-Z_]+(\.md)?$", word) and word.endswith(".md"))


def exists(document: Document, word: str) -> bool:
    """Whether the path exists, seen from the root or from beside the document; `*` stands for anything."""
    return any(next(folder.glob(word), None) is not None for folder in (ROOT, document.path.parent)
               if ".." not in word.split("/")) or (document.path.parent / word).exists()


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the examples of the documentation and check its links.")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="default: README.md and docs/*.md")
    options = parser.parse_args()
    paths = [path.resolve() for path in options.files] or [ROOT / "README.md"] + sorted((ROOT / "docs").glob("*.md"))
    check = Check()
    for path in paths:
        if not path.is_file():
            check.failed += 1
            print("{}: there is no such file".format(name_of(path)), flush=True)
            continue
        document = Document(path)
        for example in check.examples(document):
            check.run(document, example)
        check.links(document)
        check.mentions(document)
    print("{} blocks ran, {} skipped, {} failed".format(check.ran, check.skipped, check.failed), flush=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
