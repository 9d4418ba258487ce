"""What listens on this machine for a stack: asked of the system, so that nothing is forgotten."""

import os
from pathlib import Path

import pytest

from local.cardvault import Cardvault

LISTENING = "0A"


def addresses(vault: Cardvault) -> set[str]:
    """`host:port` of all that this process and the emulator's processes listen on.

    Skips the test where the system has no /proc.
    """
    if not Path("/proc/net/tcp").exists():
        pytest.skip("no /proc, which tells what listens")
    emulator = vault.stack._emulator
    assert emulator
    group = emulator._process.pid
    members = [pid for pid in Path("/proc").glob("[0-9]*") if _group(pid) == group]
    ours = {socket for pid in (Path(f"/proc/{os.getpid()}"), *members) for socket in _sockets(pid)}
    rows = [row.split() for file in ("tcp", "tcp6") for row in _lines(Path("/proc/net") / file)]
    return {_address(row[1]) for row in rows if row[3] == LISTENING and row[9] in ours}


def _group(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2])
    except OSError:  # it has ended
        return 0


def _sockets(process: Path) -> set[str]:
    found = set()
    for file in (process / "fd").glob("*"):
        try:
            target = str(file.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(target[8:-1])
    return found


def _lines(table: Path) -> list[str]:
    return table.read_text().splitlines()[1:] if table.exists() else []


def _address(written: str) -> str:
    """`0100007F:1F90` as 127.0.0.1:8080; an address of version 6 stays as it is."""
    host, port = written.split(":")
    if len(host) == 8:
        host = ".".join(str(byte) for byte in reversed(bytes.fromhex(host)))
    return f"{host}:{int(port, 16)}"
