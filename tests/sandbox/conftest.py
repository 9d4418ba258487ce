"""A sandbox on a free port, a clock the test sets, and a client for both."""

import pytest
import requests

from local.sandbox import SupplierSandbox

NOON = 1_793_275_200.25


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += seconds


class Client:
    """What a supplier client sends, with the answers as they come."""

    def __init__(self, sandbox, clock):
        self.sandbox = sandbox
        self.clock = clock
        self.session = requests.Session()
        self.session.headers["X-Access-Token"] = sandbox.key

    def get(self, path, **query):
        return self.session.get(self.sandbox.url + path, params=query, timeout=60)

    def post(self, body, timeout=60):
        url = self.sandbox.url + "/gift-cards/placeOrder"
        return self.session.post(url, json=body, timeout=timeout)

    def try_place(self, type_id="string", quantity=1, product_id="string", timeout=60):
        body = {"productId": product_id, "typeId": type_id, "quantity": quantity}
        return self.post(body, timeout)

    def place(self, type_id="string", quantity=1, product_id="string"):
        answer = self.try_place(type_id, quantity, product_id)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["orderId"]

    def try_check(self, order_id):
        return self.get(f"/gift-cards/checkOrder/{order_id}")

    def check(self, order_id):
        answer = self.try_check(order_id)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def place_and_wait(self, type_id="string", quantity=1):
        order_id = self.place(type_id, quantity)
        self.clock.forward(3)
        return order_id

    def admin(self, method, path, body=None, key=None):
        headers = {} if key is None else {"X-Access-Token": key}
        url = f"{self.sandbox.origin}/_sandbox/{path}"
        return self.session.request(method, url, json=body, headers=headers, timeout=60)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def started(clock):
    """Make sandboxes with other options than the default ones; gives the client of each."""
    made = []

    def start(**options):
        sandbox = SupplierSandbox(clock=clock, **options).start()
        made.append(sandbox)
        return Client(sandbox, clock)

    yield start
    for sandbox in made:
        sandbox.stop()


@pytest.fixture
def client(started):
    return started()


@pytest.fixture
def real_money(started):
    return started(production_like=True, balance=10_000)
