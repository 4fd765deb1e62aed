"""The guide and the tutorials' pages: each command is run, in order, in a folder of the page's own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from markdown_pages import DOCS, ROOT, Command, File, steps
from processes import wait_for

QUICK = "5-questions"  # the page that the default run tests too
PATIENCE = 300  # seconds for a command; on a quiet machine the longest takes fifteen
PORT = re.compile(r"\b80\d\d\b")  # of the servers in the pages; free ones take their places

GUIDE, CHINESE_GUIDE = DOCS / "guide.md", DOCS / "guide.zh.md"
TUTORIALS = sorted((DOCS / "tutorials").glob("[0-9]*.md"))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, id=page.stem, marks=[] if page.stem == QUICK else pytest.mark.slow) for page in [GUIDE, *TUTORIALS]],
)  # fmt: skip
def test_every_command_of_the_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    if "curl " in page.read_text() and shutil.which("curl") is None:
        pytest.skip("needs curl")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    ports: dict[str, str] = {}
    with ExitStack() as servers:
        for step in steps(page):
            if isinstance(step, File):
                (tmp_path / step.name).write_text(step.text)
                continue
            line = PORT.sub(lambda port: ports.setdefault(port[0], _free_port()), step.line)
            if line.endswith(" &"):
                servers.enter_context(_serving(line.removesuffix(" &"), tmp_path))
            else:
                answer = _run(line, tmp_path)
                assert _matches(step.answer, answer), f"{line}\nanswered\n{answer}\nand not\n{step.answer}"


def test_both_guides_have_the_same_steps() -> None:
    assert steps(GUIDE) == steps(CHINESE_GUIDE)
    assert any(isinstance(step, Command) for step in steps(GUIDE))


def test_there_is_a_page_for_each_tutorial_and_both_indexes_name_it() -> None:
    index = (DOCS / "tutorials" / "README.md").read_text()
    assert len(TUTORIALS) == 5
    for page in TUTORIALS:
        assert index.count(f"({page.name})") == 2
        assert any(isinstance(step, Command) for step in steps(page))


def _run(line: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        cwd=folder,
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{line}\nended with {done.returncode}\n{done.stdout}"
    return done.stdout


@contextmanager
def _serving(line: str, folder: Path) -> Iterator[None]:
    """Run a server until the page is through; it must become ready, and end well."""
    log = folder / "server.log"
    with log.open("w") as file:
        server = subprocess.Popen(["bash", "-c", f"exec {line}"], cwd=folder, env=_environment(), stderr=file)
    try:
        wait_for(lambda: "ready: http://" in log.read_text() or server.poll() is not None, PATIENCE, interval=0.1)
        assert server.poll() is None, log.read_text()
        yield
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0, log.read_text()
    finally:
        server.kill()
        server.wait()


def _environment() -> dict[str, str]:
    """Return that of a reader in the project's folder with its environment active, and without data of their own."""
    own = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return {**{name: value for name, value in os.environ.items() if name != "MNIST_DIR"}, **own}


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def _matches(pattern: str, answer: str) -> bool:
    pieces = [re.escape(piece.strip()) for piece in pattern.split("...")]
    return re.search(".*?".join(pieces), answer, re.DOTALL) is not None
