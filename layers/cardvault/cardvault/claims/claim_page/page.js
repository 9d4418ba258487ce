// The claim page. Codes live in `cards` only, for ten minutes; nothing is written to storage, and
// text enters the document as text alone, never as markup.
"use strict";

const TEXTS = JSON.parse(document.getElementById("texts").textContent);
const SESSION_MINUTES = 10;
const CARDS_PER_PAGE = 250; // as the API pages them
const CODE_SPACING_MS = 30_000;
const WAITS = { TOO_SOON: "tooSoon", TOO_MANY_CODES: "tooManyCodes", TOO_MANY_MAILS: "tooManyMails" };

const token = tokenOf(location.hash);
const main = document.getElementById("main");

let language = firstLanguage();
let languageChosen = false;
let claim = null; // what /open told
let draw = () => {}; // draws the present view again, after a change of language
let address = ""; // as the customer typed it; a program that presses every button has none
let codeAskedAt = 0;
let endsAt = 0;
let tick = 0;
let shown = 0; // how many cards are listed
const cards = new Map(); // number -> {code, serial}
const open = new Set(); // numbers whose code is in sight

/** The link's token; mail programs put a dot, a bracket or a slash beside it. */
function tokenOf(hash) {
  return hash.match(/^#?\/?([\w-]{43})(?![\w-])/)?.[1] || null;
}

/** What a person typed, as they meant it; the server reads it the same way (core/typed.py). */
function digitsOf(typed) {
  const kept = [...typed.normalize("NFKC")].filter((sign) => !/[\s\p{Z}\p{Cf}\p{Pd}\u2212]/u.test(sign));
  return kept.map((sign) => (isDigit(sign.codePointAt(0)) ? valueOf(sign.codePointAt(0)) : sign)).join("");
}

function isDigit(point) {
  return /\p{Nd}/u.test(String.fromCodePoint(point));
}

/** The digits of every script stand in a row, zero first. */
function valueOf(point) {
  let value = 0;
  while (value < 9 && isDigit(point - value - 1)) value += 1;
  return String(value);
}

function firstLanguage() {
  const wished = (navigator.languages || []).map((name) => name.slice(0, 2).toLowerCase());
  return wished.find((name) => name in TEXTS) || "en";
}

function text(key, values = {}) {
  const template = TEXTS[language][key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? isolated(name, String(values[name])) : whole);
}

/** A name or an address keeps its own direction inside a sentence of the other one. */
function isolated(name, value) {
  if (name === "email") return `\u2066${value}\u2069`;
  return name === "shop" ? `\u2068${value}\u2069` : value;
}

function counted(key, n) {
  const kind = `${key}_${new Intl.PluralRules(language).select(n)}`;
  return text(kind in TEXTS[language] ? kind : `${key}_other`, { n: number(n) });
}

function number(n) {
  return new Intl.NumberFormat(language).format(n);
}

/** As the mail writes it: day, month, year, 24 hours; and in whose zone. */
function moment(iso) {
  const style = { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false, timeZoneName: "short" };
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, style).format(new Date(iso));
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function button(label, onclick, extra = {}) {
  return element("button", { type: "button", class: "button", onclick, ...extra }, label);
}

function say(words) {
  document.getElementById("status").textContent = "";
  setTimeout(() => { document.getElementById("status").textContent = words; }, 50);
}

function show(view) {
  draw = () => {
    const held = document.activeElement?.id;
    main.replaceChildren(element("section", { class: "sheet" }, ...view()));
    document.getElementById(held)?.focus();
    drawFrame();
  };
  draw();
  const heading = main.querySelector("h1");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus();
  }
}

function drawFrame() {
  const page = document.documentElement;
  page.lang = language;
  page.dir = language === "ar" ? "rtl" : "ltr";
  document.title = claim ? `${text("title")} · ${claim.shop}` : text("title");
  document.getElementById("shop").textContent = claim ? claim.shop : "";
  document.getElementById("mark").textContent = claim ? [...claim.shop][0].toUpperCase() : "✦";
  document.getElementById("promise").textContent = text("promise");
  document.getElementById("order").textContent =
    claim?.orderId ? text("order", { id: claim.orderId }) : "";
  for (const choice of document.querySelectorAll("[data-language]")) {
    choice.setAttribute("aria-pressed", String(choice.dataset.language === language));
  }
}

// --- the API

class Refused extends Error {
  constructor(status, code, told = {}) {
    super(code);
    this.status = status;
    this.code = code;
    this.told = told;
  }
}

async function post(what, body = {}, headers = {}) {
  const answer = await fetch(`api/claims/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify({ token, ...body }),
    cache: "no-store",
    credentials: "same-origin",
    referrerPolicy: "no-referrer",
  });
  const told = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, told.code, told);
  return told;
}

/** Runs a step while its button shows that; a dead link and other trouble end up here. */
async function step(pressed, work, troubled) {
  if (pressed?.getAttribute("aria-disabled") === "true") return;
  pressed?.setAttribute("aria-disabled", "true");
  try {
    await work();
  } catch (error) {
    if (troubled?.(error)) return;
    if (error.status === 404) gone();
    else notice(text("trouble"), true);
  } finally {
    pressed?.removeAttribute("aria-disabled");
  }
}

function notice(words, wrong = false) {
  main.querySelector(".note.passing")?.remove();
  const note = element("p", { class: `note passing${wrong ? " wrong" : ""}` }, words);
  const form = main.querySelector("form, .stack");
  if (main.querySelector(".cards")) float(note);
  else if (form) form.before(note);
  else main.firstElementChild.append(note);
  say(words);
}

/** Beside the cards a notice must not move what someone is about to press. */
function float(note) {
  note.classList.add("floating");
  main.append(note);
  setTimeout(() => note.remove(), 5_000);
}

// --- before the claim

function loading() {
  show(() => [
    element("p", { class: "wait" }, element("span", { class: "spin" }), text("loading")),
  ]);
}

async function begin() {
  if (!token) return location.hash.length > 1 ? message("cutTitle", "cutLead") : message("noLinkTitle", "noLinkLead");
  loading();
  try {
    claim = await post("open");
  } catch (error) {
    if (error.status === 404 || error.status === 400) return over();
    return show(() => [
      element("h1", {}, text("trouble")),
      element("div", { class: "stack" }, button(text("again"), begin)),
    ]);
  }
  if (!languageChosen && claim.locale in TEXTS) language = claim.locale;
  if (claim.claimed) return unlocked(claim.secondsLeft);
  return ask();
}

function introduction() {
  const count = counted("cards", claim.cardCount);
  const values = { shop: claim.shop, email: claim.email, date: moment(claim.expiresAt) };
  const until = { otp: "untilOtp", passcode: "untilPasscode", none: "untilNone" };
  return [
    element("h1", {}, text("ready", { cards: count, shop: claim.shop })),
    title(),
    element("p", { class: "lead" }, text(until[claim.protection], values)),
    claim.missingCount
      ? element("p", { class: "note" }, text("missing", {
          missing: number(claim.missingCount),
          all: number(claim.cardCount + claim.missingCount),
          shop: claim.shop,
        }))
      : null,
  ];
}

function ask() {
  const views = {
    otp: () => claim.codeSent ? [codeForm("code", "one-time-code")] : [addressForm()],
    passcode: () => [codeForm("passcode", "off")],
    none: () => [element("div", { class: "stack" },
      button(text("show"), (event) => redeem(event.currentTarget, null), { id: "go" }))],
  };
  show(() => [...introduction(), ...views[claim.protection]()]);
}

/** Typed, so that a mail scanner that presses every button has no code sent. */
function addressForm() {
  const field = element("input", {
    id: "email", name: "email", type: "email", autocomplete: "email", maxlength: "320", required: "", value: address, dir: "ltr",
  });
  const submit = element("button", { class: "button", id: "send" }, text("sendCode"));
  const onsubmit = (event) => {
    event.preventDefault();
    address = field.value.trim();
    if (address) sendCode(submit);
    else wrongly(field, text("missingEmail"));
  };
  return element("form", { onsubmit, novalidate: "" },
    element("label", { for: "email" }, text("email")), field, submit);
}

function sendAnother(pressed) {
  if (address) return sendCode(pressed);
  claim.codeSent = false;
  ask();
  return document.getElementById("email").focus();
}

function codeForm(kind, autocomplete) {
  const digits = kind === "code";
  const field = element("input", {
    id: "code",
    name: "code",
    class: digits ? "digits" : "",
    type: digits ? "text" : "password",
    inputmode: digits ? "numeric" : null,
    maxlength: "200",
    autocomplete,
    required: "",
  });
  const submit = element("button", { class: "button", id: "go" }, text("show"));
  const onsubmit = (event) => {
    event.preventDefault();
    redeem(submit, field);
  };
  return element("form", { onsubmit, novalidate: "" },
    element("label", { for: "code" }, text(kind)), field, submit,
    digits
      ? button(text("sendAnother"), (event) => sendAnother(event.currentTarget), { id: "send", class: "button quiet small" })
      : null);
}

async function sendCode(pressed) {
  await step(pressed, async () => {
    if (Date.now() - codeAskedAt < CODE_SPACING_MS) throw new Refused(429, "TOO_SOON");
    await post("code", { email: address });
    codeAskedAt = Date.now();
    claim.codeSent = true;
    ask();
    notice(text("codeSent", { email: claim.email }));
    document.getElementById("code").focus();
  }, (error) => {
    if (error.status === 400) {
      if (!document.getElementById("email")) {
        claim.codeSent = false;
        ask();
      }
      wrongly(document.getElementById("email"), text("wrongEmail", { email: claim.email }));
      return true;
    }
    if (error.status !== 429) return false;
    claim.codeSent = true;
    if (!document.getElementById("code")) ask();
    notice(text(error.code in WAITS ? WAITS[error.code] : "trouble", { shop: claim.shop }), true);
    return true;
  });
}

// One key for all tries with one code: an answer that was lost can be fetched again, by us alone.
let lastTry = { code: null, key: "" };
let triesLeft = null;

async function redeem(pressed, field) {
  const typed = field ? field.value : null;
  const code = field && claim.protection === "otp" ? digitsOf(typed) : typed;
  if (field && !code.trim()) return wrongly(field, text("missingCode"));
  if (field && claim.protection === "otp" && !/^[0-9]{6}$/.test(code)) return wrongly(field, text("sixDigits"));
  await step(pressed, async () => {
    if (!lastTry.key || lastTry.code !== code) {
      const random = crypto.getRandomValues(new Uint8Array(32));
      lastTry = { code, key: [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("") };
    }
    const body = code === null ? {} : { code };
    await post("redeem", body, { "Idempotency-Key": lastTry.key });
    unlocked();
  }, (error) => {
    if (error.code === "WRONG_CODE") {
      triesLeft = error.told.triesLeft;
      field.value = "";
      wrongly(field, counted("wrong", triesLeft));
    } else if (error.code === "CODE_TOO_OLD") {
      field.value = "";
      wrongly(field, text("tooOld"));
    } else if (error.status === 400 && field) {
      wrongly(field, text("passcodeForm"));
    } else if (error.status === 404 && triesLeft === 1) {
      locked();
    } else {
      return false;
    }
    return true;
  });
}

function wrongly(field, words) {
  field.setAttribute("aria-invalid", "true");
  notice(words, true);
  field.focus();
}

// --- after the claim

function unlocked(seconds = SESSION_MINUTES * 60) {
  endsAt = Date.now() + seconds * 1_000;
  shown = Math.min(claim.cardCount, CARDS_PER_PAGE);
  clearInterval(tick);
  tick = setInterval(drawRemaining, 5_000);
  show(cardsView);
}

function drawRemaining() {
  const left = endsAt - Date.now();
  if (left <= 0) return timeUp();
  const line = document.getElementById("remaining");
  if (line) line.textContent = counted("remaining", Math.ceil(left / 60_000));
  return undefined;
}

function cardsView() {
  const all = open.size >= shown;
  const list = element("ol", { class: "cards" });
  for (let n = 1; n <= shown; n += 1) list.append(cardItem(n));
  const formats = ["Txt", "Xlsx", "Json"].map((format) => button(
    text(`download${format}`),
    (event) => download(event.currentTarget, format.toLowerCase()),
    { class: "button quiet small", id: `download-${format.toLowerCase()}` },
  ));
  const toggle = (event) => step(event.currentTarget, all ? hideAll : revealAll);
  return [
    element("h1", {}, text("ready", { cards: counted("cards", claim.cardCount), shop: claim.shop })),
    title(),
    element("p", { class: "lead" }, text("cardsLead")),
    element("div", { class: "tools" },
      button(text(all ? "hideAll" : "revealAll"), toggle, { class: "button small", id: "all" }),
      button(text("copyAll"), (event) => step(event.currentTarget, copyAll), { class: "button quiet small", id: "copy-all" }),
      button(text("print"), (event) => step(event.currentTarget, printAll), { class: "button quiet small", id: "print" })),
    list,
    howToRedeem(),
    shown < claim.cardCount
      ? element("div", { class: "stack" }, button(text("more"), more, { class: "button quiet small", id: "more" }))
      : null,
    element("fieldset", { class: "choices" }, element("legend", {}, text("download")), ...formats),
    element("p", { class: "remaining", id: "remaining" },
      counted("remaining", Math.max(1, Math.ceil((endsAt - Date.now()) / 60_000)))),
  ];
}

function title() {
  return claim.title ? element("p", { class: "title" }, claim.title) : null;
}

/** In the shop's words: text alone, and a link that shows where it leads. */
function howToRedeem() {
  if (!claim.instructions && !claim.redeemUrl) return null;
  return element("div", { class: "redeem" },
    element("h2", {}, text("redeemTitle")),
    claim.instructions ? element("p", { class: "instructions" }, claim.instructions) : null,
    claim.redeemUrl ? element("p", { class: "instructions" }, linkTo(claim.redeemUrl)) : null);
}

function cardItem(n) {
  const card = open.has(n) ? cards.get(n) : null;
  const name = text("card", { n: number(n) });
  // Printed cards are cut apart: each says what it is.
  const printed = claim.title ? element("span", { class: "printed" }, ` · ${claim.title}`) : null;
  const toggle = (event) => step(event.currentTarget, () => reveal(n));
  return element("li", { class: "card" },
    element("p", { class: "name" }, name, printed),
    card
      ? element("p", { class: "code" }, codeShown(card.code))
      : element("p", { class: "code hidden" },
          element("span", { "aria-hidden": "true" }, "•••• •••• ••••"),
          element("span", { class: "unseen" }, text("hiddenCode"))),
    card?.serial
      ? element("p", { class: "serial" }, ...around(text("serial"), element("bdi", {}, card.serial)))
      : null,
    element("div", { class: "actions" },
      button(text(card ? "hide" : "reveal"), toggle, {
        class: "button quiet small",
        id: `show-${n}`,
        "aria-label": text(card ? "hideCard" : "revealCard", { n: number(n) }),
      }),
      button(text("copy"), (event) => step(event.currentTarget, () => copy(n)), {
        class: "button quiet small",
        id: `copy-${n}`,
        "aria-label": text("copyCard", { n: number(n) }),
      })));
}

/** A code that is a link opens in a window of its own, which learns nothing of this page. */
function codeShown(code) {
  return /^https:\/\/\S+$/.test(code) ? linkTo(code) : code;
}

function linkTo(address) {
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer", dir: "ltr" }, address);
}

function around(template, child) {
  const [before, after] = template.split("{serial}");
  return [before, child, after];
}

/** Fetches what is not here yet of the cards from `first` to `last`. Each fetch is audited. */
async function fetchCards(first, last) {
  for (let n = first; n <= last; n += 1) {
    if (cards.has(n)) continue;
    const told = await post("cards", { page: Math.floor((n - 1) / CARDS_PER_PAGE) });
    claim.orderId = told.orderId;
    for (const card of told.cards) cards.set(card.cardNumber, card);
  }
}

async function reveal(n) {
  if (open.has(n)) {
    open.delete(n);
  } else {
    await fetchCards(n, n);
    open.add(n);
    say(`${text("card", { n: number(n) })}: ${cards.get(n).code}`);
  }
  draw();
}

async function revealAll() {
  await fetchCards(1, shown);
  for (let n = 1; n <= shown; n += 1) open.add(n);
  draw();
}

async function hideAll() {
  open.clear();
  draw();
}

function more() {
  shown = Math.min(claim.cardCount, shown + CARDS_PER_PAGE);
  draw();
}

async function toClipboard(words) {
  try {
    await navigator.clipboard.writeText(words);
    notice(text("copied"));
  } catch {
    notice(text("copyFailed"), true);
  }
}

async function copy(n) {
  await fetchCards(n, n);
  await toClipboard(cards.get(n).code);
}

async function copyAll() {
  await fetchCards(1, claim.cardCount);
  const lines = [...cards.keys()].sort((a, b) => a - b).map((n) => cards.get(n).code);
  await toClipboard(lines.join("\n"));
}

async function printAll() {
  await fetchCards(1, claim.cardCount);
  shown = claim.cardCount;
  for (let n = 1; n <= shown; n += 1) open.add(n);
  draw();
  window.print();
}

async function download(pressed, format) {
  await step(pressed, async () => {
    const made = await post("downloads", { format });
    notice(text("downloading"));
    location.assign(made.downloadUrl.replace(/^\//, ""));
  });
}

// --- the ends

function message(title, lead) {
  show(() => [element("h1", {}, text(title)), element("p", { class: "lead" }, text(lead))]);
}

/** The one answer of the API has many reasons; what the page was told before says which it is. */
function gone() {
  if (endsAt) return timeUp();
  if (claim && Date.now() >= Date.parse(claim.expiresAt)) {
    const { expiresAt } = claim;
    return renewable("expiredTitle", "expiredLead", () => ({ date: moment(expiresAt) }));
  }
  return over();
}

function over() {
  renewable("overTitle", "overLead", () => ({}), ["overUsed", "overOld", "overReplaced", "overLocked"]);
}

function renewable(title, lead, values = () => ({}), reasons = []) {
  forget();
  show(() => [
    element("h1", {}, text(title)),
    element("p", { class: "lead" }, text(lead, values())),
    reasons.length
      ? element("ul", { class: "reasons" }, ...reasons.map((reason) => element("li", {}, text(reason))))
      : null,
    element("div", { class: "stack" },
      button(text("renew"), (event) => renew(event.currentTarget), { id: "renew" })),
  ]);
}

/** Five wrong codes: no new link would be sent, so none is offered. */
function locked() {
  const values = { shop: claim.shop };
  forget();
  show(() => [
    element("h1", {}, text("lockedTitle")),
    element("p", { class: "lead" }, text("lockedLead", values)),
  ]);
}

async function renew(pressed) {
  await step(pressed, async () => {
    await post("renew");
    show(() => [
      element("h1", {}, text("overTitle")),
      element("p", { class: "note" }, text("renewed")),
    ]);
    say(text("renewed"));
  });
}

function forget() {
  clearInterval(tick);
  cards.clear();
  open.clear();
  claim = null;
}

function timeUp() {
  renewable("timeUpTitle", "timeUpLead");
}

document.getElementById("languages").addEventListener("click", (event) => {
  const chosen = event.target.dataset.language;
  if (!chosen) return;
  language = chosen;
  languageChosen = true;
  draw();
});
window.addEventListener("hashchange", () => location.reload());
window.addEventListener("pagehide", () => { cards.clear(); open.clear(); });

drawFrame();
begin();
