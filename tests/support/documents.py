"""The shell commands of our documents, run as they stand."""

import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.stack import environment
from tests.support.template import ROOT

NEEDED = (".venv", "layers", "local", "template.yaml")


def sections(document: str) -> dict[str, list[str]]:
    """Heading -> its own ```sh blocks, without those of headings below it."""
    found: dict[str, list[str]] = {}
    heading, language, block = "", None, ""
    for line in (ROOT / "docs" / document).read_text().splitlines(keepends=True):
        if line.startswith("```"):
            if language == "sh":
                found[heading].append(block)
            language, block = (line[3:].strip() if language is None else None), ""
        elif language is not None:
            block += line
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
            found[heading] = []
    return found


def anchors(document: Path) -> set[str]:
    """What a link may lead to: a document's headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def filled(block: str, values: dict[str, str]) -> str:
    """The block with each `NAME=…` given its value; nothing else is touched."""

    def given(match: re.Match[str]) -> str:
        return f"{match[1]}='{values[match[1]]}'"

    whole = re.sub(r"\b([A-Z_]+)=…", given, block)
    assert "…" not in whole, "a command with a gap that no variable fills"
    return whole


@dataclass
class Terminal:
    """A shell in a folder that looks like the repository, with `aws` for the emulator.

    `preamble` is what was run before, in the same shell.
    """

    folder: Path
    aws_url: str
    preamble: str = ""

    def __post_init__(self) -> None:
        if (self.folder / "bin").exists():
            return
        for name in NEEDED:
            (self.folder / name).symlink_to(ROOT / name)
        command = self.folder / "bin" / "aws"
        command.parent.mkdir()
        cli = f'"{sys.executable}" -m tests.support.aws_cli "$@"'
        command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec {cli}\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)

    def run(self, script: str, *, status: int = 0) -> str:
        """What it prints. Each line counts: `set -e`, as if each was looked at."""
        done = subprocess.run(
            ["/bin/sh", "-ec", f"{self.preamble}\n{script}"],
            cwd=self.folder,
            env=environment.for_child(
                AWS_ENDPOINT_URL=self.aws_url,
                PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}",
                POWERTOOLS_SERVICE_NAME="operator",
                LONGEST_STEP="0",
            ),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout
