"""`make demo` as a user runs it: it ends well, says where the codes were not, leaves nothing."""

import os
import subprocess
import sys
import uuid

from tests.support.template import ROOT

MARK = "CARDVAULT_DEMO_OF_A_TEST"


def processes_marked(mark):
    """Every process that was started with the mark in its environment, by any process."""
    listed = subprocess.run(["ps", "eww", "-A"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if mark in line]


def test_the_demo_ends_well_and_leaves_no_process():
    mark = uuid.uuid4().hex
    told = subprocess.run(
        [sys.executable, "-m", "local.demo"],
        cwd=ROOT,
        env={**os.environ, MARK: mark},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    for sign in ("order", "fulfilled", "code SANDBOX-CARD-", "CARDS_DELIVERED", "none"):
        assert sign in told.stdout
    assert "FOUND" not in told.stdout
    assert processes_marked(mark) == []
