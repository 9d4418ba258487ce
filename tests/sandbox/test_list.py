"""`GET /gift-cards/list`: order, paging, dates."""

import time

import pytest

PATH = "/gift-cards/list"


def listed(client, **query):
    answer = client.get(PATH, **query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def ids(data):
    return [item["_id"] for item in data["items"]]


@pytest.fixture
def five(client):
    """Five orders a minute apart, oldest first."""
    placed = []
    for _ in range(5):
        placed.append(client.place())
        client.clock.forward(60)
    return placed


def test_newest_first(client, five):
    assert ids(listed(client)) == five[::-1]


def test_of_one_moment_the_later_placed_comes_first(client):
    placed = [client.place() for _ in range(5)]
    assert ids(listed(client)) == placed[::-1]


def test_pagination_stands_in_the_data(client, five):
    data = listed(client, page=2, pageSize=2)
    assert ids(data) == [five[2], five[1]]
    assert data["pagination"] == {"page": 2, "pageSize": 2, "totalPages": 3, "totalResults": 5}


def test_pages_together_give_every_order_once(client, five):
    found = [order for page in (1, 2, 3) for order in ids(listed(client, page=page, pageSize=2))]
    assert found == five[::-1]


def test_defaults_and_the_page_after_the_last(client):
    client.place()
    assert listed(client)["pagination"]["pageSize"] == 20
    assert listed(client, page=9)["items"] == []


def test_an_empty_list(client):
    assert listed(client) == {
        "items": [],
        "pagination": {"page": 1, "pageSize": 20, "totalPages": 0, "totalResults": 0},
    }


def test_dates_include_both_ends_to_the_millisecond_shown(client, five):
    shown = [item["time"] for item in listed(client)["items"]][::-1]
    found = listed(client, **{"from": shown[1], "to": shown[3]})
    assert ids(found) == [five[3], five[2], five[1]]
    assert found["pagination"]["totalResults"] == 3


@pytest.fixture
def far_from_utc(monkeypatch):
    with monkeypatch.context() as there:
        there.setenv("TZ", "FAR9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_dates_with_an_offset_and_bare_dates_which_are_utc(client):
    client.clock.now = 1_761_696_000.0  # 2025-10-29T00:00:00Z
    order_id = client.place()
    offset = {"from": "2025-10-29T00:59:59+01:00", "to": "2025-10-29T01:00:00+01:00"}
    assert ids(listed(client, **offset)) == [order_id]
    assert ids(listed(client, **{"from": "2025-10-29", "to": "2025-10-30"})) == [order_id]
    assert ids(listed(client, **{"from": "2025-10-30", "to": "2025-10-31"})) == []


@pytest.mark.parametrize(
    "query",
    [
        {"page": "0"},
        {"page": "x"},
        {"page": "-1"},
        {"pageSize": "0"},
        {"pageSize": "101"},
        {"pageSize": "1.5"},
        {"page": ""},
        {"from": "2025-10-29"},
        {"to": "2025-10-29"},
        {"from": "yesterday", "to": "2025-10-29"},
    ],
)
@pytest.mark.parametrize("path", [PATH, "/account/transactions"])
def test_a_bad_window_is_refused(client, path, query):
    answer = client.get(path, **query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ERR_VALIDATION")


def test_items_carry_cards_only_when_final(client):
    client.place_and_wait(quantity=2)
    client.place()
    handling, final = listed(client)["items"]
    assert handling["status"] == "HANDLING"
    assert "cards" not in handling
    assert len(final["cards"]) == 2
    assert (final["product"], final["type"]) == ("string", "string")
