"""What a function does before its first event: importing and making clients, in fresh processes."""

import os
import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from benchmarks.table import show
from tests.support.apps import any_value
from tests.support.template import ROOT, resources

ROUNDS = 3
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": f"{ROOT}/layers/cardvault",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "EXAMPLE",
    "POWERTOOLS_SERVICE_NAME": "bench",
}
BASELINES = {
    "python alone": "pass",
    "boto3 and a client": "import boto3; boto3.client('dynamodb', region_name='eu-west-1')",
}

# The issuer reads its public key at init; how long KMS takes is no matter of ours.
_PUBLIC_KEY = rsa.generate_private_key(65537, 2048).public_key()
_DER = _PUBLIC_KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
_KMS_ANSWERS_AT_ONCE = (
    "import botocore.client; "
    f"botocore.client.BaseClient._make_api_call = lambda *_: {{'PublicKey': {_DER!r}}}"
)


def run(rounds: int = ROUNDS, only: str = "") -> None:
    """Time each function's init, best of some rounds, beside python alone and a boto3 client.

    `only` limits it to functions whose name begins so.
    """
    times = {name: _best(code, ENVIRONMENT, rounds) for name, code in BASELINES.items()}
    for name in sorted(resources("AWS::Serverless::Function")):
        if name.startswith(only):
            times[name] = _best(*init_of(name), rounds)
    baseline = times["boto3 and a client"]
    rows = [(name, f"{ms:.0f}", f"{ms / baseline:.2f}") for name, ms in times.items()]
    show("Init", ("process", "CPU ms", "ratio to boto3"), rows)


def init_of(function: str) -> tuple[str, dict[str, str]]:
    """What a fresh process runs to do a function's init, and its environment."""
    properties = resources("AWS::Serverless::Function")[function]["Properties"]
    declared = properties.get("Environment", {}).get("Variables", {})
    variables = {variable: any_value(variable) for variable in declared}
    code = f"import runpy; runpy.run_path('{ROOT / properties['CodeUri']}/app.py')"
    if "SIGNING_KEY_ARN" in declared:
        code = f"{_KMS_ANSWERS_AT_ONCE}; {code}"
    return code, {**ENVIRONMENT, **variables}


def _best(code: str, environment: dict[str, str], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        began = os.times()
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)  # noqa: S603
        ended = os.times()
        spent = ended.children_user + ended.children_system
        times.append(spent - began.children_user - began.children_system)
    return min(times) * 1000
