"""The claim page in a real browser: what a customer does, and what a mail scanner must not do."""

import json
import re
import sys
import unicodedata

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe

from cardvault.core import typed
from tests.support.claiming import ordered

pytestmark = pytest.mark.embedded
ARABIC_ZERO = "\N{ARABIC-INDIC DIGIT ZERO}"
PHONE, DESKTOP = {"width": 375, "height": 760}, {"width": 1280, "height": 900}
LOOKS = [
    ("en", DESKTOP, "light"),
    ("en", PHONE, "dark"),
    ("fr", PHONE, "light"),
    ("ar", PHONE, "dark"),
    ("ar", DESKTOP, "light"),
]


def ask_for_code(page, customer):
    page.goto(customer.link)
    page.fill("#email", customer.address)
    page.click("#send")
    page.wait_for_selector("#code")


def enter(page, customer):
    """From the link to the cards, by the e-mailed code."""
    ask_for_code(page, customer)
    page.fill("#code", customer.code)
    page.press("#code", "Enter")
    page.wait_for_selector(".cards")


def shown(page):
    return page.locator(".card .code:not(.hidden)").all_inner_texts()


def sold(vault, user, customer):
    order = user.get(customer.order_id).json()
    return [card["value"] for card in vault.supplier.codes(order["supplierOrderId"])]


def test_codes_are_masked_until_asked_for_one_by_one_or_all_at_once(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab()
    enter(page, customer)
    codes = sold(vault, alice, customer)
    assert shown(page) == []
    assert not any(code in page.content() for code in codes)
    page.click("#show-2")
    page.wait_for_selector("#show-2[aria-label^='Hide']")
    assert shown(page) == [codes[1]]
    page.click("#all")
    page.wait_for_selector("#show-3[aria-label^='Hide']")
    assert shown(page) == codes
    page.click("#all")
    page.wait_for_selector("#show-3[aria-label^='Show']")
    assert shown(page) == []
    assert page.complaints == []


def test_the_page_is_one_request_and_speaks_to_our_api_alone(vault, alice, tab):
    page = tab()
    customer = ordered(vault, alice)
    enter(page, customer)
    page.click("#all")
    page.wait_for_selector("#show-3[aria-label^='Hide']")
    ours = [url for url in page.asked if url.startswith(vault.api_url)]
    # An address of kind data: is the empty icon, in the page itself.
    assert [url for url in page.asked if not url.startswith("data:")] == ours
    assert len([url for url in ours if "/api/" not in url]) == 1
    assert not [url for url in ours if customer.token in url.partition("#")[0]]


def test_copy_print_and_download(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab(permissions=["clipboard-read", "clipboard-write"])
    enter(page, customer)
    codes = sold(vault, alice, customer)
    page.click("#copy-1")
    page.wait_for_selector(".floating")
    assert page.evaluate("navigator.clipboard.readText()") == codes[0]
    page.click("#copy-all")
    page.wait_for_function(
        "text => navigator.clipboard.readText().then(got => got === text)", arg="\n".join(codes)
    )
    with page.expect_download() as download:
        page.click("#download-xlsx")
    assert download.value.suggested_filename.endswith(f" {customer.order_id[-6:]}.xlsx")
    page.evaluate("window.print = () => { window.printed = true; }")
    page.click("#print")
    page.wait_for_function("window.printed")
    page.emulate_media(media="print")
    assert shown(page) == codes
    assert not page.is_visible("#print")


def test_what_the_cards_are_and_how_to_redeem_them_is_on_page_and_print(vault, alice, tab):
    said = {
        "title": "Arcade card <b>25</b> €",
        "instructions": "Open the app.\nEnter the code.",
        "redeemUrl": "https://arcade.example/redeem",
    }
    customer = ordered(vault, alice, display=said)
    assert said["redeemUrl"] not in customer.mailbox.last(customer.address).html
    page = tab()
    enter(page, customer)
    assert page.inner_text(".title") == said["title"], "text, and no markup"
    assert page.inner_text(".instructions >> nth=0") == said["instructions"]
    link = page.locator(".redeem a")
    assert link.get_attribute("href") == link.inner_text() == said["redeemUrl"]
    assert link.get_attribute("rel") == "noopener noreferrer"
    page.evaluate("window.print = () => { window.printed = true; }")
    page.click("#print")
    page.wait_for_function("window.printed")
    page.emulate_media(media="print")
    assert page.is_visible(".redeem")
    page.wait_for_selector(".card:nth-child(3) .printed", state="visible")


def test_the_same_browser_may_look_again_and_another_may_not(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab()
    enter(page, customer)
    page.reload()
    page.wait_for_selector(".cards")
    other = tab()
    other.goto(customer.link)
    other.wait_for_selector("#renew")


def test_five_wrong_codes_lock_the_link(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab()
    ask_for_code(page, customer)
    right = customer.code
    wrong = "000000" if right != "000000" else "111111"
    for left in ("4 tries left", "3 tries left", "2 tries left", "1 try left"):
        page.fill("#code", wrong)
        page.press("#code", "Enter")
        page.wait_for_selector(f".wrong:has-text('{left}')")
    page.fill("#code", wrong)
    page.press("#code", "Enter")
    page.wait_for_selector("h1:has-text('This link is locked')")
    assert page.locator("#renew").count() == 0, "no new link would be sent"


def test_a_code_is_read_as_the_customer_meant_it(vault, alice, tab):
    """Pasted with the blanks of our own mail, in fours, in the digits of an Arabic keyboard."""
    for zero, written in (
        ("0", "    {} "),
        ("0", "{0[0]}{0[1]}{0[2]} {0[3]}{0[4]}{0[5]}"),
        (ARABIC_ZERO, "{}"),
    ):
        customer = ordered(vault, alice)
        page = tab()
        ask_for_code(page, customer)
        page.fill("#code", "12 34")
        page.press("#code", "Enter")
        page.wait_for_selector(".wrong:has-text('six digits')")
        digits = "".join(chr(ord(zero) + int(digit)) for digit in customer.code)
        page.fill("#code", written.format(digits))
        page.press("#code", "Enter")
        page.wait_for_selector(".cards")
        assert "CLAIM_REFUSED" not in str(alice.get(customer.order_id, "/audit").json())


def test_the_page_reads_every_digit_as_the_server_does(vault, tab):
    page = tab()
    page.goto(f"{vault.api_url}/claim")
    signs = [chr(point) for point in range(sys.maxunicode + 1)]
    typed_signs = [sign for sign in signs if unicodedata.category(sign) in {"Nd", "Zs", "Cf", "Pd"}]
    read = page.evaluate("signs => signs.map(digitsOf)", typed_signs)
    known = page.evaluate(
        "signs => signs.map((sign) => /\\p{Nd}|\\p{Z}|\\p{Cf}|\\p{Pd}/u.test(sign))", typed_signs
    )
    differ = [
        sign
        for sign, said, old in zip(typed_signs, read, known, strict=True)
        if old and said != typed.digits(sign)
    ]
    assert differ == []


@pytest.mark.parametrize("before", ["", "/"])
@pytest.mark.parametrize("after", [".", ">", ")", "/"])
def test_a_link_with_something_beside_it_is_the_link(vault, alice, tab, before, after):
    customer = ordered(vault, alice)
    address, _, token = customer.link.partition("#")
    page = tab()
    page.goto(f"{address}#{before}{token}{after}")
    page.wait_for_selector("#send")


def test_a_link_that_was_cut_is_told_as_that(vault, tab):
    page = tab()
    page.goto(f"{vault.api_url}/claim#{'A' * 30}")
    page.wait_for_selector("h1:has-text('not complete')")
    assert page.locator("button.button").count() == 0
    other = tab()
    other.goto(f"{vault.api_url}/claim")
    other.wait_for_selector("h1:has-text('from your e-mail')")


def test_a_phone_at_twice_its_size_scrolls_one_way_and_a_keyboard_is_enough(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab(viewport={"width": 188, "height": 400})
    page.goto(customer.link)
    page.wait_for_selector("#send")
    while page.evaluate("document.activeElement.id") != "email":
        page.keyboard.press("Tab")
    page.keyboard.type(customer.address)
    page.keyboard.press("Enter")
    page.wait_for_selector("#code:focus")
    page.keyboard.type(customer.code)
    page.keyboard.press("Enter")
    page.wait_for_selector(".cards")
    while page.evaluate("document.activeElement.id") != "show-2":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".serial")
    assert page.locator(".serial").count() == 1
    wide = """[...document.querySelectorAll('body *')]
        .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5)
        .map(one => one.outerHTML.slice(0, 80))"""
    assert page.evaluate(wide) == []


@pytest.mark.parametrize("changed", ["/claim%23{}", "/claim/#{}", "/claim/%23{}", "/claim/?a=b#{}"])
def test_a_link_that_a_mail_program_changed_leads_to_the_page(vault, alice, tab, changed):
    customer = ordered(vault, alice)
    page = tab()
    page.goto(vault.api_url + changed.format(customer.link.partition("#")[2]))
    page.wait_for_selector("#send")
    assert page.url.endswith(f"/claim#{customer.link.partition('#')[2]}")


def test_a_link_that_is_over_says_what_to_do(vault, alice, tab):
    """The API has one answer for all reasons; what the page was told before tells some apart."""
    page = tab()
    page.goto(f"{vault.api_url}/claim#{'A' * 43}")
    page.wait_for_selector("#renew")
    assert page.locator(".reasons li").count() == 4
    late = tab()
    late.clock.install()
    late.goto(ordered(vault, alice).link)
    late.wait_for_selector("#send")
    late.clock.fast_forward(200 * 3_600_000)
    refusal = {"status": 404, "body": json.dumps({"code": "LINK_UNUSABLE"})}
    late.route("**/api/claims/code", lambda route: route.fulfill(**refusal))
    late.fill("#email", "somebody@example.com")
    late.click("#send")
    late.wait_for_selector("h1:has-text('too old')")
    assert late.locator("#renew").is_visible()


@pytest.mark.parametrize("blocked", [True, False])
def test_a_browser_that_cannot_run_the_page_has_words_to_read(vault, tab, blocked):
    page = tab(java_script_enabled=not blocked)
    html = requests.get(f"{vault.api_url}/claim", timeout=30).text
    broken = html.replace('"use strict";', '"use strict"; ?.;')

    def answer(route):
        route.fulfill(content_type="text/html", body=broken)

    if not blocked:
        page.route("**/claim", answer)
    page.goto(f"{vault.api_url}/claim#{'A' * 43}")
    read = page.inner_text("main")
    assert "open the link from your e-mail in another one" in read
    assert "dans un autre" in read


def test_a_reload_does_not_begin_the_ten_minutes_anew(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab()
    enter(page, customer)
    with page.expect_response(re.compile("claims/open")) as opened:
        page.reload()
    assert 0 < opened.value.json()["secondsLeft"] <= 600
    page.wait_for_selector("#remaining")


def test_by_keyboard_alone(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab()
    page.goto(customer.link)
    page.wait_for_selector("#send")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "email"
    page.keyboard.type(customer.address)
    page.keyboard.press("Enter")
    page.wait_for_selector("#code:focus")
    page.keyboard.type(customer.code)
    page.keyboard.press("Enter")
    page.wait_for_selector(".cards")
    for _ in range(4):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "show-1"
    page.keyboard.press("Space")
    page.wait_for_selector("#show-1[aria-label^='Hide']")
    assert page.evaluate("document.activeElement.id") == "show-1"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_passcode_and_a_link_without_protection(vault, alice, tab):
    guarded = ordered(vault, alice, protection="passcode", passcode="river-stone")
    page = tab()
    page.goto(guarded.link)
    page.fill("#code", "river-stone")
    page.press("#code", "Enter")
    page.wait_for_selector(".cards")
    free = ordered(vault, alice, protection="none")
    other = tab()
    other.goto(free.link)
    other.click("#go")
    other.wait_for_selector(".cards")


@pytest.mark.parametrize(("locale", "viewport", "scheme"), LOOKS)
def test_axe_finds_nothing_at_any_step(vault, alice, tab, locale, viewport, scheme):
    customer = ordered(vault, alice, locale=locale, shopName="Corner Shop")
    # axe is a foreign script; the policy that would keep it out is held elsewhere.
    page = tab(viewport=viewport, color_scheme=scheme, bypass_csp=True)
    axe, found = Axe(), {}

    def look(step):
        found[step] = [violation["id"] for violation in axe.run(page).response["violations"]]
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, f"{step} scrolls sideways"

    page.goto(customer.link)
    page.wait_for_selector("#send")
    look("start")
    page.fill("#email", "bob@example.com")
    page.press("#email", "Enter")
    page.wait_for_selector(".wrong")
    look("another address")
    page.fill("#email", customer.address)
    page.press("#email", "Enter")
    page.wait_for_selector("#code")
    look("code")
    page.fill("#code", "no")
    page.press("#code", "Enter")
    page.wait_for_selector(".wrong")
    look("wrong")
    page.fill("#code", customer.code)
    page.press("#code", "Enter")
    page.wait_for_selector(".cards")
    page.click("#all")
    page.wait_for_selector(".serial")
    look("cards")
    assert page.get_attribute("html", "lang") == locale
    assert page.get_attribute("html", "dir") == ("rtl" if locale == "ar" else "ltr")
    page.goto(f"{vault.api_url}/claim#{'A' * 43}")
    page.wait_for_selector("#renew")
    look("over")
    assert found == {step: [] for step in found}


def test_i5_a_mail_scanner_leaves_the_link_unspent_and_every_code_unused(vault, alice, tab):
    """It asks by HEAD and GET, runs the page, follows every link, presses every button."""
    customer = ordered(vault, alice)
    mail = customer.mailbox.last(customer.address)
    for link in 6 * re.findall(r'href="([^"]+)"', mail.html):
        requests.head(link, timeout=30)
        requests.get(link, timeout=30)
        page = tab()
        page.goto(link)
        page.wait_for_selector("#send")
        for _ in range(3):
            for button in page.locator("main button:visible").element_handles():
                button.evaluate("pressed => pressed.click()")
                page.wait_for_load_state("networkidle")
        assert page.locator(".cards").count() == 0
        page.close()
    for what in ("open", "code", "redeem", "renew"):
        customer.post(what)
    order = alice.get(customer.order_id).json()
    assert "claimedAt" not in order
    assert "CODE_SENT" not in str(alice.get(customer.order_id, "/audit").json())
    enter(tab(), customer)


def test_another_code_can_be_asked_for_after_a_reload(vault, alice, tab):
    customer = ordered(vault, alice)
    page = tab()
    ask_for_code(page, customer)
    page.click("#send")
    page.wait_for_selector(".wrong:has-text('half a minute')")
    page.reload()
    page.wait_for_selector("#code")
    page.click("#send")
    page.wait_for_selector("#email:focus")
