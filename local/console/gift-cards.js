// Issues a gift card and spends it, and shows what its ledger says after each step.
import { at, bringIntoView, call, clock, element, named, once, problem } from "./page.js";

let card = null;
let isShown = false;

const money = (amount) => amount.toFixed(2);
const words = (name) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

async function issue() {
  const made = await call("/api/gift-cards", { amount: at("value").value, name: at("name").value });
  at("outcome").textContent = `Issued and activated: ${money(made.balance)} ${made.currency}.`;
  location.hash = made.id;
  bringIntoView(at("live"));
}

async function act(event) {
  const { act: what } = event.submitter.dataset;
  at("outcome").textContent = "";
  try {
    const told = await call(`/api/gift-cards/${card.id}/${what}`, { amount: at("amount").value });
    const left = told.remainingBalance ?? told.balance;
    at("outcome").textContent = `${told.message ?? "Reloaded"}: ${money(left)} ${card.currency} on the card.`;
  } catch (error) {
    refused(error);
  }
  draw(await call(`/api/gift-cards/${card.id}`));
}

// The API says what would help beside its error: what is available, or how much is left.
function refused(error) {
  const shown = problem(at("live"), error);
  const { error: _, code: __, requestId: ___, ...help } = error.told ?? {};
  const facts = Object.entries(help).map(([name, value]) => [words(name), typeof value === "number" ? `${money(value)} ${card.currency}` : String(value)]);
  if (facts.length) shown.append(element("dl", { class: "facts" }, ...facts.map(fact)));
}

function fact([name, value]) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

async function follow(cardId) {
  try {
    isShown = false;
    draw(await call(`/api/gift-cards/${cardId}`));
  } catch (error) {
    problem(at("live"), error);
  }
}

function draw(told) {
  card = told;
  at("waiting").hidden = true;
  at("result").hidden = at("history").hidden = false;
  drawNumber();
  at("status").textContent = card.status;
  at("status").classList.toggle("bad", !["active", "depleted"].includes(card.status));
  at("balance").textContent = money(card.balance);
  at("currency").textContent = card.currency;
  const facts = [
    ["Available", money(card.availableBalance)],
    ["Issued with", money(card.initialValue)],
    ["For", card.customerName ?? "nobody in particular"],
    ["Expires", new Date(card.expiresAt).toLocaleDateString("en-GB", { dateStyle: "medium" })],
  ];
  at("facts").replaceChildren(...facts.map(fact));
  at("entries").replaceChildren(...card.transactions.map(row));
  at("source").textContent = `GET /v2/giftcards/programs/${card.programId}/cards/${card.id}?include_transactions=true`;
}

function drawNumber() {
  const [mask, number] = isShown ? ["", card.cardNumber] : ["•••• •••• •••• ", card.lastFourDigits];
  at("number").replaceChildren(element("span", { "aria-hidden": "true" }, mask), number.replace(/(.{4})(?=.)/g, "$1 "));
  at("show").setAttribute("aria-pressed", String(isShown));
}

function row(entry) {
  const kind = entry.amount < 0 ? "less" : entry.amount > 0 ? "more" : "";
  return element("tr", {},
    element("td", {}, entry.transactionType),
    element("td", { class: kind }, money(entry.amount)),
    element("td", {}, money(entry.balanceBefore)),
    element("td", {}, money(entry.balanceAfter)),
    element("td", {}, element("time", { datetime: entry.createdAt }, clock(entry.createdAt))),
    element("td", { class: "hash" }, entry.id));
}

at("issue").addEventListener("submit", once(issue));
at("spend").addEventListener("submit", once(act));
at("show").addEventListener("click", () => { isShown = !isShown; drawNumber(); });
named(follow);
