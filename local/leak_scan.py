"""The canary scan: looks for codes wherever the embedded stack keeps or has kept anything.

A code is looked for as it is and reversed, in any mix of cases, as text, in base64 (at each of the
three alignments it can have inside a longer text), in hex and URL-encoded; also where other
characters stand between its own, such as line ends and dashes, and in what is packed by gzip or
zlib, packed text in base64 included.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import requests

from local.clients.mailbox import Mailbox
from local.stack.embedded import Stack

# Where something may begin that gzip or zlib packed. Sources: RFC 1952, RFC 1950
_PACKED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}")
_BETWEEN = re.compile(rb"[^a-z0-9]+")
_SHORTEST = 8
LARGEST_UNPACKED = 50_000_000


def encodings(code: str) -> set[bytes]:
    """Every form of a code that the scan knows, in lower case."""
    return _encodings(code) | _encodings(code[::-1])


def _encodings(code: str) -> set[bytes]:
    raw = code.encode()
    forms = {raw, raw.hex().encode(), quote(code, safe="").encode(), quote_plus(code).encode()}
    forms.add(json.dumps(code)[1:-1].encode())
    for lead in range(3):
        # The characters that depend on this code alone, whatever stands before and after it.
        first, last = -(-8 * lead // 6), 8 * (lead + len(raw)) // 6
        core = base64.b64encode(bytes(lead) + raw)[first:last]
        forms |= {core, core.translate(bytes.maketrans(b"+/", b"-_"))}
    return {form.lower() for form in forms if len(form) >= _SHORTEST}


def views(text: bytes) -> Iterator[bytes]:
    """The text as it lies there, and whatever is packed in it."""
    yield text
    yield from _unpacked(text)
    for run in _BASE64.findall(text):
        digits = run.translate(bytes.maketrans(b"-_", b"+/"))
        for lead in range(4):
            try:
                decoded = base64.b64decode(digits[lead : len(digits) - (len(digits) - lead) % 4])
            except binascii.Error:
                continue
            yield from _unpacked(decoded)


def _unpacked(text: bytes) -> Iterator[bytes]:
    for found in _PACKED.finditer(text):
        either = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        try:
            yield either.decompress(text[found.start() :], LARGEST_UNPACKED)
        except zlib.error:
            continue


class LeakScan:
    """Looks for any of the codes in texts."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._forms = {form for code in codes for form in encodings(code)}
        bare = {_BETWEEN.sub(b"", form) for form in self._forms}
        self._bare_forms = {form for form in bare if len(form) >= _SHORTEST}

    def hits(self, texts: Iterable[bytes]) -> list[bytes]:
        """The texts that hold a code in any encoding."""
        return [text for text in texts if any(map(self._is_in, views(text)))]

    def _is_in(self, text: bytes) -> bool:
        low = text.lower()
        bare = _BETWEEN.sub(b"", low)
        return any(form in low for form in self._forms) or any(
            form in bare for form in self._bare_forms
        )

    def places(self, stack: Stack) -> Iterator[tuple[str, list[bytes]]]:
        """Each place of the running stack by name, with all that lies there."""
        yield "Lambda logs, at their level", [line.encode() for line in stack.logs()]
        yield "the emulator's own log", [stack.emulator_log().encode()]
        yield "workflow inputs, outputs and history", list(_executions(stack))
        yield "DynamoDB items, every table", list(_items(stack))
        yield "S3 objects", list(_objects(stack))
        yield "secrets", list(_secrets(stack))
        yield "queued messages and mails", list(_messages(stack))


def files_under(directory: Path) -> list[bytes]:
    """What every file below a folder holds."""
    return [path.read_bytes() for path in directory.rglob("*") if path.is_file()]


def _executions(stack: Stack) -> Iterator[bytes]:
    client = stack.client("stepfunctions")
    machine = stack.outputs["StateMachineArn"]
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    for execution in (item for page in pages for item in page["executions"]):
        arn = execution["executionArn"]
        yield _text(client.describe_execution(executionArn=arn))
        history = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        yield from (_text(event) for page in history for event in page["events"])


def _items(stack: Stack) -> Iterator[bytes]:
    client = stack.client("dynamodb")
    for page in client.get_paginator("list_tables").paginate():
        for table in page["TableNames"]:
            scanned = client.get_paginator("scan").paginate(TableName=table)
            yield from (_text(item) for found in scanned for item in found["Items"])


def _objects(stack: Stack) -> Iterator[bytes]:
    """Every object but the download files: there codes may lie for minutes, under SSE-KMS (I1)."""
    client = stack.client("s3")
    for bucket in client.list_buckets()["Buckets"]:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"])
        files = bucket["Name"] == stack.outputs.get("DownloadsBucket")
        for item in (item for page in pages for item in page.get("Contents", [])):
            if files and item["Key"].startswith("downloads/"):
                continue
            if not item["Key"].endswith((".zip", ".template")):
                body = client.get_object(Bucket=bucket["Name"], Key=item["Key"])["Body"].read()
                yield item["Key"].encode() + b"\n" + body


def _secrets(stack: Stack) -> Iterator[bytes]:
    client = stack.client("secretsmanager")
    for secret in client.list_secrets()["SecretList"]:
        yield _text(client.get_secret_value(SecretId=secret["ARN"]))


def _messages(stack: Stack) -> Iterator[bytes]:
    for path in ("/_ministack/ses/messages", "/_ministack/sqs/messages"):
        yield requests.get(stack.aws_url + path, timeout=10).content
    for mail in Mailbox(stack).mails():
        yield from (part.encode() for part in (mail.subject, mail.text, mail.html))


def _text(value: Any) -> bytes:
    """A value with all its bytes laid open, so that binary attributes are searched as they are."""
    found: list[bytes] = []

    def lay_open(part: Any) -> str:
        found.append(bytes(part) if isinstance(part, bytes | bytearray) else b"")
        return str(part)

    text = json.dumps(value, default=lay_open, ensure_ascii=False)
    return b"\n".join([text.encode(), *found])
