"""Ports of the embedded stack: free ones unless a number is asked for, on loopback only."""

import os
import socket

from local.loopback import HOST

BACKLOG = 128


class PortTakenError(RuntimeError):
    """A port that was asked for belongs to another process."""

    def __init__(self, port: int, purpose: str) -> None:
        super().__init__(
            f"port {port} on {HOST}, wanted for {purpose}, is taken. Stop what uses it, or choose "
            f"another: {environment_name(purpose)}=<port>, or 0 for any free one."
        )
        self.port = port


def environment_name(purpose: str) -> str:
    """Name the environment variable that chooses the port for a purpose, like EMBEDDED_API_PORT."""
    return f"EMBEDDED_{purpose.upper()}_PORT"


def from_environment(**defaults: int) -> dict[str, int]:
    """Read the chosen port for each purpose, or take its default: `from_environment(api=8080)`."""
    return {
        purpose: int(os.environ.get(environment_name(purpose), default))
        for purpose, default in defaults.items()
    }


def listen(port: int, purpose: str) -> socket.socket:
    """Reserve a port by listening on it; 0 takes any free one."""
    listener = reserve(port, purpose)
    listener.listen(BACKLOG)
    return listener


def reserve(port: int, purpose: str) -> socket.socket:
    """Take a port, or any free one for 0, for a process that inherits it and listens."""
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if port:  # one that was in use a moment ago; a free one would then not be reserved
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        reserved.bind((HOST, port))
    except OSError as error:
        reserved.close()
        raise PortTakenError(port, purpose) from error
    return reserved
