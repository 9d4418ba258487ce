"""`make demo` as a user runs it: it ends well, says where the codes were not, leaves nothing."""

import subprocess
import sys

from tests.support.template import ROOT


def processes():
    """Command lines of every process that belongs to an embedded stack."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return {line for line in listed.stdout.splitlines() if "local.emulator" in line}


def test_the_demo_ends_well_and_leaves_no_process():
    before = processes()
    told = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    for sign in ("order", "fulfilled", "code SANDBOX-CARD-", "CARDS_DELIVERED", "none"):
        assert sign in told.stdout
    assert "FOUND" not in told.stdout
    assert processes() <= before
