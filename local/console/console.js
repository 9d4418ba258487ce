// Places an order, then asks after it until it rests; text enters the page as text alone.
"use strict";

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
const at = (id) => document.getElementById(id);
let following = null;
let endings = [];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const told = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status}: ${told.error}`);
  return told;
}

function clock(text) {
  return new Date(text).toLocaleTimeString("en-GB");
}

async function begin() {
  ({ endings } = await call("/api/endings"));
  const kinds = { ending: "How it ends", fault: "What goes wrong" };
  for (const [kind, label] of Object.entries(kinds)) {
    const options = endings.filter((one) => one.kind === kind)
      .map((one) => element("option", { value: one.typeId }, one.name));
    at("ending").append(element("optgroup", { label }, ...options));
  }
  explain();
  const known = location.hash.slice(1);
  if (/^[0-9a-f]{24}$/.test(known)) follow(known);
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

async function place(event) {
  event.preventDefault();
  at("problem").textContent = "";
  const wanted = { typeId: at("ending").value, quantity: Number(at("quantity").value) };
  try {
    const made = await call("/api/orders", { ...wanted, delivery: delivery() });
    location.hash = made.orderId;
    follow(made.orderId);
  } catch (error) {
    at("problem").textContent = error.message;
  }
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
    draw(await call(`/api/orders/${orderId}`));
  } catch (error) {
    at("problem").textContent = error.message;
  }
  if (at("id").textContent === orderId) following = setTimeout(() => look(orderId), POLL_MS);
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
  for (const button of document.querySelectorAll("[data-act]")) button.disabled = !stored;
  at("mails").replaceChildren(...(mails.length ? mails.map(mail) : [element("li", { class: "hint" }, "None yet.")]));
  at("trail").replaceChildren(...[...events].reverse().map(row));
}

function mail(one) {
  const links = [element("a", { href: `/mailbox/${one.number}` }, one.subject)];
  if (one.link) links.push(" · ", element("a", { href: one.link, target: "_blank", rel: "noopener" }, "open the claim page"));
  return element("li", {}, ...links);
}

function row(event) {
  const what = [event.reason, event.method, event.cardCount && `${event.cardCount} cards`];
  const detail = what.filter(Boolean).join(" · ");
  const who = event.userId ?? (event.ipAddress ? "link holder" : "workflow");
  return element("tr", {},
    element("td", {}, String(event.seq)),
    element("td", {}, event.event, ...(detail ? [element("small", {}, detail)] : [])),
    element("td", {}, who),
    element("td", {}, clock(event.timestamp)),
    element("td", { class: "hash" }, `${event.hash.slice(0, 12)}…`));
}

async function act(event) {
  const what = event.target.dataset.act;
  if (!what) return;
  const shown = at("answer");
  shown.hidden = false;
  try {
    const told = await call(`/api/orders/${at("id").textContent}/${what}`, {});
    if (what === "download") location.assign(told.url);
    shown.textContent = JSON.stringify(told, null, 2);
  } catch (error) {
    shown.textContent = error.message;
  }
}

at("ending").addEventListener("change", explain);
at("mail").addEventListener("change", () => { at("customer").hidden = !at("mail").checked; });
at("protection").addEventListener("change", () => { at("secret").hidden = at("protection").value !== "passcode"; });
at("order").addEventListener("submit", place);
at("live").addEventListener("click", act);
begin();
