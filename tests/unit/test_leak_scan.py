"""I1: the canary scan finds a code in every disguise, wherever it stands in a text."""

import base64
import gzip
import json
import textwrap
import zlib
from urllib.parse import quote

import pytest

from local.leak_scan import LeakScan

CODE = "CANARY+CODE/0123-4567"
SCAN = LeakScan([CODE, "another-code-9876543210"])
LEADS = range(4)


def lines(text):
    return "\n".join(textwrap.wrap(text, 5))


DISGUISES = {
    "plain": lambda code: code.encode(),
    "upper case": lambda code: code.upper().encode(),
    "lower case": lambda code: code.lower().encode(),
    "mixed case": lambda code: code.swapcase().title().encode(),
    "reversed": lambda code: code[::-1].encode(),
    "over lines": lambda code: lines(code).encode(),
    "letter by letter": lambda code: " ".join(code).encode(),
    "without its separators": lambda code: "".join(filter(str.isalnum, code)).encode(),
    "reversed over lines": lambda code: lines(code[::-1]).encode(),
    "hex": lambda code: code.encode().hex().upper().encode(),
    "hex with colons": lambda code: code.encode().hex(":").encode(),
    "URL": lambda code: quote(code, safe="").encode(),
    "JSON": lambda code: json.dumps(code).encode(),
    **{
        f"base64 at {lead}": lambda code, lead=lead: base64.b64encode(b"x" * lead + code.encode())
        for lead in LEADS
    },
    **{
        f"base64url of it reversed at {lead}": lambda code, lead=lead: base64.urlsafe_b64encode(
            b"?" * lead + code[::-1].encode() + b"tail"
        )
        for lead in LEADS
    },
    "base64 over lines": lambda code: base64.encodebytes(b"head " * 9 + code.encode()),
    "gzip": lambda code: gzip.compress(b"head " + code.encode()),
    "zlib": lambda code: zlib.compress(code.encode() + b" tail"),
    "gzip in base64": lambda code: base64.b64encode(gzip.compress(code.encode())),
    "zlib of it reversed in base64url": lambda code: base64.urlsafe_b64encode(
        zlib.compress(code[::-1].encode())
    ),
}


@pytest.mark.parametrize("before", [b"", b"\x00text: ", "caf\u00e9".encode()])
@pytest.mark.parametrize("name", DISGUISES)
def test_i1_a_code_is_found_in_every_disguise(name, before):
    leak = before + DISGUISES[name](CODE) + b" and more"
    assert SCAN.hits([b"nothing", leak]) == [leak]


@pytest.mark.parametrize("name", DISGUISES)
def test_another_code_in_the_same_disguise_is_none_of_these(name):
    assert SCAN.hits([DISGUISES[name]("CANARY+CODE/9123-4567")]) == []


def test_what_only_looks_packed_hides_nothing():
    leak = b"\x1f\x8b\x08 broken \x78\x9c " + CODE.encode()
    assert SCAN.hits([leak]) == [leak]
