"""The console in a real browser: an order to its end, its mail, and a gift card's money."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from local.console import Console
from tests.browser.conftest import GIVE_UP_MS

pytestmark = pytest.mark.embedded
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def console(vault):
    with Console(vault) as running_console:
        yield running_console


@pytest.fixture(scope="module")
def followed(console, browser):
    """The address of an order that was placed on the page, and has arrived."""
    context = browser.new_context()
    context.set_default_timeout(GIVE_UP_MS)
    page = context.new_page()
    page.goto(console.url)
    page.wait_for_selector("#ending option", state="attached")
    page.fill("#email", "grace@example.com")
    page.click("text=Place the order")
    page.wait_for_selector("#mails a[target=_blank]")
    yield page.url
    context.close()


@pytest.fixture(scope="module")
def issued(console, browser):
    """The address of a card that was issued on the page, and used."""
    context = browser.new_context()
    context.set_default_timeout(GIVE_UP_MS)
    page = context.new_page()
    page.goto(f"{console.url}/gift-cards")
    page.click("text=Issue and activate")
    spend(page, "redeem", "25.50", entries=3)
    yield page.url
    context.close()


def spend(page, what, amount, entries):
    page.wait_for_selector("#entries tr")
    page.fill("#amount", amount)
    page.click(f"[data-act={what}]")
    page.wait_for_selector(f"#entries tr:nth-child({entries})")


def ask_too_much(page):
    page.fill("#amount", "500.00")
    page.press("#amount", "Enter")
    page.wait_for_selector("#live [role=alert] dl")


def test_an_order_is_followed_to_its_end_with_its_trail(followed, tab):
    page = tab()
    page.goto(followed)
    page.wait_for_selector("#trail tr")
    assert page.inner_text("#status") == "fulfilled"
    assert page.locator("#steps .done").count() == 4
    events = page.locator("#trail td:nth-child(2)").all_inner_texts()
    assert events[0].startswith("EMAIL_SENT")
    assert events[-1] == "ORDER_CREATED"
    page.click("text=Reveal in the app")
    page.wait_for_selector("#answer:has-text('code')")
    assert page.complaints == []


def test_the_last_orders_stand_beside_their_numbers(console, followed, tab):
    page = tab()
    page.goto(console.url)
    page.wait_for_selector("#trail tr")
    assert page.locator("#past li").count() == int(page.inner_text("#numbers div:first-child dd"))
    listed = page.get_attribute("#past li:last-child a", "href")
    page.click("#past li:last-child a")
    page.wait_for_selector(f"#id:has-text('{listed[1:]}')")
    with page.expect_popup() as opened:
        page.click("text=as on a phone")
    assert opened.value.evaluate("innerWidth") == PHONE["width"]
    opened.value.fill("#email", "grace@example.com")
    opened.value.click("#send")
    page.wait_for_selector("#mails code:text-matches('^[0-9]{6}$')")


def test_an_order_in_attention_is_redriven_and_its_trail_verified(console, tab):
    page = tab()
    page.goto(console.url)
    page.select_option("#ending", label="Out of stock")
    page.uncheck("#mail")
    page.click("text=Place the order")
    page.wait_for_selector("#numbers .bad")
    page.click("text=Redrive")
    page.wait_for_selector("#trail tr:nth-child(7):has-text('ORDER_CREATED')")
    page.click("text=Verify the trail")
    page.wait_for_selector("#answer:has-text('the trail holds')")
    assert page.complaints == []


def test_the_mailbox_has_the_mail_and_its_link_opens_the_claim_page(console, followed, tab):
    page = tab()
    page.goto(f"{console.url}/mailbox")
    page.click("ol.mails a:has-text('grace@example.com'):has-text('gift cards') >> nth=0")
    letter = page.frame_locator("iframe")
    assert "code" not in letter.locator("h1").inner_text()
    with page.expect_popup() as opened:
        letter.get_by_text("See my gift cards").click()
    claim = opened.value
    claim.wait_for_selector("#send")
    assert page.locator("pre a").get_attribute("href") == claim.url


def test_a_card_is_spent_and_its_history_adds_up(issued, tab):
    page = tab()
    page.goto(issued)
    spend(page, "redeem", "9.99", entries=4)
    spend(page, "refund", "", entries=5)
    spend(page, "reload", "15.00", entries=6)
    rows = [row.split("\t") for row in page.locator("#entries tr").all_inner_texts()]
    assert [row[0:4] for row in rows] == [
        ["RELOAD", "15.00", "74.50", "89.50"],
        ["REFUND", "9.99", "64.51", "74.50"],
        ["REDEMPTION", "-9.99", "74.50", "64.51"],
        ["REDEMPTION", "-25.50", "100.00", "74.50"],
        ["ACTIVATION", "100.00", "0.00", "100.00"],
        ["PURCHASE", "0.00", "0.00", "0.00"],
    ]
    assert page.inner_text("#balance") == "89.50"
    assert page.complaints == []


def test_a_refusal_says_what_is_available(issued, tab):
    page = tab()
    page.goto(issued)
    page.wait_for_selector("#entries tr")
    ask_too_much(page)
    told = page.inner_text("#live [role=alert]")
    assert "INSUFFICIENT_FUNDS" in told
    assert f"{page.inner_text('#balance')} EUR" in told


def test_a_number_is_masked_until_asked_for(issued, tab):
    page = tab()
    page.goto(issued)
    page.wait_for_selector("#entries tr")
    assert re.fullmatch(r"(•{4} ){3}\d{4}", page.inner_text("#number"))
    page.focus("#show")
    page.keyboard.press("Space")
    assert re.fullmatch(r"(\d{4} ){3}\d{4}", page.inner_text("#number"))


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")])
def test_axe_finds_nothing_and_nobody_else_is_asked(
    console, followed, issued, tab, viewport, scheme
):
    # axe is a foreign script; the policy that would keep it out is held elsewhere.
    page = tab(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    axe, found = Axe(), {}
    pages = [
        (console.url, "#ending option"),
        (followed, "#trail tr"),
        (f"{console.url}/gift-cards", "#issue"),
        (issued, "#entries tr"),
        (f"{console.url}/mailbox", "ol.mails"),
        (f"{console.url}/mailbox/1", "iframe"),
    ]
    for url, shown in pages:
        page.goto("about:blank")
        page.goto(url)
        page.wait_for_selector(shown, state="attached")
        if url == issued:
            ask_too_much(page)
        found[url] = [violation["id"] for violation in axe.run(page).response["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, f"{url} scrolls sideways"
    assert found == {url: [] for url, _ in pages}
    foreign = [url for url in page.asked if not url.startswith((console.url, "data:", "about:"))]
    assert foreign == []
