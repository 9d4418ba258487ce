// Places an order, then asks after it until it rests, and a while longer for its customer.
import { at, bringIntoView, call, clock, element, named, once, problem } from "./page.js";

const POLL_MS = 700;
const STEPS = [
  ["createdAt", "Received"],
  ["placedAt", "Placed"],
  ["storedAt", "Stored"],
  ["emailedAt", "E-mailed"],
  ["claimedAt", "Claimed"],
  ["firstRevealedAt", "Revealed"],
  ["downloadedAt", "Downloaded"],
];
let following = null;
let drawn = "";
let lost = false;
let endings = [];
const NUMBERS = { orders: "orders", cards: "cards stored", mails: "e-mailed", claimed: "claimed", attention: "need a person" };
const PHONE = "popup,noopener,width=390,height=844";

async function begin() {
  ({ endings } = await call("/api/endings"));
  const kinds = { ending: "How it ends", fault: "What goes wrong" };
  for (const [kind, label] of Object.entries(kinds)) {
    const options = endings.filter((one) => one.kind === kind)
      .map((one) => element("option", { value: one.typeId }, one.name));
    at("ending").append(element("optgroup", { label }, ...options));
  }
  explain();
  named(follow);
  await list();
  if (!location.hash && at("past").firstElementChild) follow(at("past").querySelector("a").hash.slice(1));
}

async function list() {
  const { orders, numbers } = await call("/api/orders");
  at("numbers").replaceChildren(...Object.entries(NUMBERS).map(([name, label]) => element(
    "div", { class: name === "attention" && numbers[name] ? "bad" : "" },
    element("dt", {}, label), element("dd", {}, String(numbers[name])))));
  at("past").replaceChildren(...orders.map((order) => element("li", {},
    element("a", { href: `#${order.orderId}` }, element("code", {}, order.orderId.slice(-8))),
    ` ${clock(order.createdAt)} · ${order.quantity ?? "?"} cards `,
    element("span", { class: `status${order.status === "attention" ? " bad" : ""}` }, order.status.replace("_", " ")))));
}

function explain() {
  at("does").textContent = endings.find((one) => one.typeId === at("ending").value)?.does ?? "";
}

function delivery() {
  if (!at("mail").checked) return null;
  const protection = at("protection").value;
  return {
    email: at("email").value,
    name: at("name").value,
    shopName: at("shop").value,
    locale: at("locale").value,
    protection,
    ...(protection === "passcode" ? { passcode: at("passcode").value } : {}),
  };
}

async function place() {
  const wanted = { typeId: at("ending").value, quantity: Number(at("quantity").value) };
  const made = await call("/api/orders", { ...wanted, delivery: delivery() });
  location.hash = made.orderId;
  bringIntoView(at("live"));
}

function follow(orderId) {
  clearTimeout(following);
  at("waiting").hidden = true;
  at("result").hidden = false;
  at("answer").hidden = true;
  at("id").textContent = orderId;
  look(orderId);
}

async function look(orderId) {
  try {
    const told = await call(`/api/orders/${orderId}`);
    if (at("id").textContent !== orderId) return;
    // Drawing again would take away the focus and what is selected.
    if (JSON.stringify(told) !== drawn) {
      draw(told);
      await list();
    }
    drawn = JSON.stringify(told);
    if (lost) problem(at("live"), null);
    lost = false;
  } catch (error) {
    lost = true;
    problem(at("live"), error);
    if (error.status === 404) return;
  }
  following = setTimeout(() => look(orderId), POLL_MS);
}

function draw({ order, events, mails }) {
  const bad = order.status === "attention";
  at("status").textContent = order.status.replace("_", " ");
  at("status").classList.toggle("bad", bad);
  at("reason").textContent = bad ? `Needs a person: ${order.attentionReason}` : "";
  at("steps").replaceChildren(...STEPS.map(([fact, label]) => element(
    "li",
    { class: order[fact] ? "done" : "" },
    label,
    ...(order[fact] ? [element("time", { datetime: order[fact] }, clock(order[fact]))] : []),
  )));
  const stored = Boolean(order.storedAt);
  for (const name of ["reveal", "download", "resend"]) button(name).disabled = !stored;
  button("redrive").hidden = !bad;
  at("mails").replaceChildren(...(mails.length ? mails.map(mail) : [element("li", { class: "hint" }, "None yet.")]));
  at("trail").replaceChildren(...[...events].reverse().map(row));
}

function button(name) {
  return document.querySelector(`[data-act=${name}]`);
}

function mail(one) {
  const links = [element("a", { href: `/mailbox/${one.number}` }, one.subject)];
  if (one.link) links.push(" · ", element("a", { href: one.link, target: "_blank", rel: "noopener" }, "open the claim page"), " · ", asOnAPhone(one.link));
  if (one.code) links.push(" · ", element("code", {}, one.code));
  return element("li", {}, ...links);
}

// A window of its own: the claim page lets no other page put it into a frame.
function asOnAPhone(link) {
  const made = element("button", { type: "button", class: "small" }, "as on a phone");
  made.addEventListener("click", () => open(link, "_blank", PHONE));
  return made;
}

function row(event) {
  const what = [event.reason, event.method, event.cardCount && `${event.cardCount} cards`];
  const detail = what.filter(Boolean).join(" · ");
  const who = event.userId ?? (event.ipAddress ? "link holder" : "workflow");
  return element("tr", {},
    element("td", {}, event.chained ? String(event.seq) : "…"),
    element("td", {}, event.event, ...(detail ? [element("small", {}, detail)] : [])),
    element("td", {}, who),
    element("td", {}, clock(event.timestamp)),
    element("td", { class: "hash" }, event.chained ? `${event.hash.slice(0, 12)}…` : "not chained yet"));
}

async function act(event) {
  const { act: what } = event.target.dataset;
  at("answer").hidden = true;
  const told = await call(`/api/orders/${at("id").textContent}/${what}`, {});
  if (what === "download") location.assign(told.url);
  at("answer").textContent = told.verdict ?? JSON.stringify(told, null, 2);
  at("answer").hidden = false;
}

at("ending").addEventListener("change", explain);
at("mail").addEventListener("change", () => { at("customer").hidden = !at("mail").checked; });
at("protection").addEventListener("change", () => { at("secret").hidden = at("protection").value !== "passcode"; });
at("order").addEventListener("submit", once(place));
for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", once(act));
begin();
