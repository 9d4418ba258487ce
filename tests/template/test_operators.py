"""Functions that operators invoke answer before the AWS CLI gives up on them."""

import importlib

import pytest

from cardvault.aws.boto_clients import LONGEST_CALL_S
from cardvault.aws.retries import LONGEST_PAUSE_S
from cardvault.aws.rounds import TIME_BUDGET
from tests.support.template import ROOT, resources, template

# https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html
CLI_WAITS_S = 60
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
LONGEST_INIT_S = 10

FUNCTIONS = resources("AWS::Serverless::Function")
OPERATED = sorted(
    output["Value"]["Ref"]
    for output in template()["Outputs"].values()
    if isinstance(output["Value"], dict) and output["Value"].get("Ref") in FUNCTIONS
)
IN_ROUNDS = {
    "RewrapDataKeysFunction",
    "VerifyLedgerFunction",
    "ExpireGiftCardsFunction",
    "ReconcileOrdersFunction",
    "SweepDownloadsFunction",
    "ChainAuditEventsFunction",
}
# Those without rounds make that many AWS calls at most; tests/store counts them.
MOST_CALLS = 2


def timeout(name):
    return FUNCTIONS[name]["Properties"].get(
        "Timeout", template()["Globals"]["Function"]["Timeout"]
    )


def test_what_operators_invoke_is_an_output_and_nothing_else_is():
    assert set(OPERATED) >= IN_ROUNDS
    steps = str(template()["Resources"]["FulfilmentStateMachine"]["Properties"])
    invoked_otherwise = {
        "PublishKeysFunction",  # by the issuer's API
        "AwaitIssuerFunction",  # by CloudFormation
    }
    others = set(FUNCTIONS) - set(OPERATED) - invoked_otherwise
    assert all(name in steps or "Events" in FUNCTIONS[name]["Properties"] for name in others)


@pytest.mark.parametrize("name", OPERATED)
def test_an_operators_function_ends_within_the_minute_that_the_cli_waits(name):
    assert timeout(name) + LONGEST_INIT_S <= CLI_WAITS_S


@pytest.mark.parametrize("name", OPERATED)
def test_an_operators_function_answers_before_its_own_end(name):
    budget = TIME_BUDGET.total_seconds() if name in IN_ROUNDS else 0
    calls = 1 if name in IN_ROUNDS else MOST_CALLS
    assert budget + calls * LONGEST_CALL_S + LONGEST_PAUSE_S < timeout(name)
    app = (ROOT / FUNCTIONS[name]["Properties"]["CodeUri"] / "app.py").read_text()
    words = ("rounds", "CURSOR", "expire_cards()", "reconcile_orders()")
    in_rounds = any(word in app for word in words)
    assert in_rounds == (name in IN_ROUNDS)


def test_the_longest_call_is_what_botocore_makes_of_our_settings():
    backoff = importlib.import_module("botocore.retries.standard").ExponentialBackoff()
    context = importlib.import_module("botocore.retries.standard").RetryContext
    aws = importlib.import_module("cardvault.aws.boto_clients")
    backoff._random = lambda: 1.0
    pauses = [
        backoff.delay_amount(context(attempt_number=number, operation_model=None))
        for number in range(1, aws.ATTEMPTS)
    ]
    each = aws.CONNECT_TIMEOUT_S + aws.READ_TIMEOUT_S
    assert aws.ATTEMPTS * each + sum(pauses) == LONGEST_CALL_S
