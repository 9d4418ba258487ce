"""Whatever is asked, the API answers as docs/openapi.yaml says, and never by failing itself.

Schemathesis draws requests from the document, right ones and wrong ones, the same ones each time:
FUZZ_EXAMPLES says how many for each operation, and `make fuzz` draws many.
"""

import os
import zlib
from dataclasses import dataclass

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as openapi_checks

from local.cardvault import running
from local.clients.gift_cards import GIFT_SCOPES, GiftProgram
from local.clients.shop import ALL_SCOPES
from tests.support.claiming import ordered
from tests.support.openapi import spec

pytestmark = pytest.mark.embedded
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]
API = schemathesis.openapi.from_dict(spec())
API.config.generation.update(
    modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], deterministic=True
)
API.config.phases.coverage.unexpected_methods = set()  # those are for API Gateway to refuse


@dataclass(frozen=True)
class Known:
    """Where to ask, as whom, and what there is to ask for."""

    api: str
    issuer: str
    token: str
    ids: dict[str, str]
    orders: list[str]

    def ask(self, case: schemathesis.Case) -> requests.Response:
        ids = {**self.ids, "orderId": self.orders[case.method == "DELETE"]}
        for given in (case.path_parameters, case.body):
            for name in ids.keys() & given.keys() if isinstance(given, dict) else ():
                if zlib.crc32(repr(given[name]).encode()) % 4:  # else as drawn: nobody's
                    given[name] = ids[name]
        base = self.issuer if case.path.startswith("/.well-known") else self.api
        headers = {"Authorization": f"Bearer {self.token}"} if case.path != "/v2/token" else {}
        return case.call(base_url=base, headers=headers, allow_redirects=False, timeout=120)


@pytest.fixture(scope="module")
def vault():
    """A stack of its own: what is drawn uses up rate limits that other tests lean on."""
    with running(settings={"EMULATOR_QUEUE_S": "3600"}, auth=True) as running_vault:
        yield running_vault


@pytest.fixture(scope="module")
def shop(vault):
    return vault.shop(scopes=(*ALL_SCOPES, *GIFT_SCOPES, "orders:adopt", "cards:shred"))


@pytest.fixture(scope="module")
def program(vault, shop):
    return GiftProgram.create(vault, shop)


@pytest.fixture(scope="module")
def customers(vault, shop):
    """Of two orders, of which one may be shredded."""
    return [ordered(vault, shop.user()) for _ in range(2)]


@pytest.fixture
def known(vault, shop, program, customers):
    """A gift card of its own for each operation: some end a card."""
    card = program.active_card("100.00")["id"]
    ids = {
        "programId": program.program_id,
        "cardId": card,
        "holdId": program.post(f"cards/{card}/holds", amount="1.00").json()["holdId"],
        "transactionId": program.redeem(card, "2.00", card).json()["transactionId"],
        "token": customers[0].token,
        "client_id": shop.client_id,
        "client_secret": shop.client_secret,
    }
    issuer = vault.stack.proxies["issuer"].url
    orders = [customer.order_id for customer in customers]
    return Known(vault.api_url, issuer, shop.user().access_token, ids, orders)


@API.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_in_the_document(case, known):
    case.validate_response(known.ask(case), checks=CHECKS)
