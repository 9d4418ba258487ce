"""A function in a process of its own, under AWS's own runtime client, with Lambda's variables.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import queue
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.stack.emulator_process import default_function_python
from tests.support.template import ROOT

POLL_S = 0.05
Posted = tuple[str, bytes]  # the path, and the body
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:probe"


@dataclass
class Spoken:
    """What the process answered to one event, where to, and every line that it printed."""

    path: str
    answer: dict[str, Any]
    stdout: list[str]
    stderr: str

    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout]


def run_on_lambda(folder: Path, variables: dict[str, str], event: dict[str, Any]) -> Spoken:
    """Run `app.handler` of that folder on one event, in an environment of these variables alone."""
    answers: queue.Queue[Posted] = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _runtime_api([event], answers))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    packages = [str(folder), str(ROOT / "layers/cardvault"), sysconfig.get_paths()["purelib"]]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(packages),
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_REGION": "eu-west-1",
        "TZ": ":UTC",
        "PYTHONUNBUFFERED": "1",
        **variables,
    }
    command = [str(default_function_python()), "-m", "awslambdaric", "app.handler"]
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        answer = _answer_of(child, answers)
    finally:
        child.kill()
        stdout, stderr = child.communicate()
        server.shutdown()
        server.server_close()
    assert answer is not None, f"the process ended: {stderr}"
    path, body = answer
    return Spoken(path, json.loads(body), stdout.splitlines(), stderr)


def _answer_of(child: "subprocess.Popen[str]", answers: "queue.Queue[Posted]") -> Posted | None:
    """The answer, None if the process ends without one."""
    while True:
        try:
            return answers.get(timeout=POLL_S)
        except queue.Empty:
            if child.poll() is not None:
                return None


def _runtime_api(
    events: list[dict[str, Any]], answers: "queue.Queue[Posted]"
) -> type[BaseHTTPRequestHandler]:
    """Hands out the events one by one, then lets the process wait, as Lambda does."""

    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if events:
                self._send(200, json.dumps(events.pop()).encode())
            else:
                self.rfile.read(1)  # until the process is killed

        def do_POST(self) -> None:
            length = self.headers["Content-Length"]
            body = self.rfile.read(int(length)) if length else b"".join(self._chunks())
            answers.put((self.path, body))
            self._send(202, b"")

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
            self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", ARN)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return RuntimeApi
