"""What a function imports at init: what it uses, since each cold start pays for it."""

import json
import subprocess
import sys

import pytest

from benchmarks.start import init_of
from tests.support.template import resources

FUNCTIONS = resources("AWS::Serverless::Function")
# Who needs them, by a variable of theirs.
NEEDED_WITH = {
    "requests": {"SUPPLIER_SECRET_ARN"},
    "jinja2": {"MAIL_SENDER"},
    "boto3": set(),
    "s3transfer": set(),
    "multiprocessing": set(),
    "xlsxwriter": set(),
}
ASKS_THE_ISSUER = "AwaitIssuerFunction"  # by HTTP
MOST_MODULES = 640
WITHOUT_SUPPLIER_OR_MAIL = 570
OF_THE_CLAIM_PAGE = 250


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_imports_what_it_uses(function):
    code, environment = init_of(function)
    code += "; import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    unused = {
        name for name, needed in NEEDED_WITH.items() if not needed & environment.keys()
    } & loaded
    assert unused == ({"requests"} if function == ASKS_THE_ISSUER else set())
    has_more = {"SUPPLIER_SECRET_ARN", "MAIL_SENDER"} & environment.keys()
    most = MOST_MODULES if has_more else WITHOUT_SUPPLIER_OR_MAIL
    assert len(loaded) <= (OF_THE_CLAIM_PAGE if function == "ServeClaimPageFunction" else most)
