// What the pages share; text enters a page as text alone.

export const at = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export async function call(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);
  const told = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error), { status: answer.status, told });
  return told;
}

// Each panel says in its own place what went wrong.
export function problem(panel, error) {
  const shown = panel.querySelector("[role=alert]");
  shown.textContent = error?.status ? error.message : error ? "The console does not answer. Is it still running?" : "";
  if (error?.status) shown.append(element("code", {}, `${error.status} ${error.told.code ?? ""}`));
  return shown;
}

export function clock(text) {
  return new Date(text).toLocaleTimeString("en-GB");
}

// A second press does nothing while the first is under way.
export function once(work) {
  let busy = false;
  return async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    const panel = event.currentTarget.closest(".panel");
    problem(panel, null);
    try {
      await work(event);
    } catch (error) {
      problem(panel, error);
    } finally {
      busy = false;
    }
  };
}

// What the address names after its #, now and whenever that changes.
export function named(show) {
  const look = () => {
    const known = location.hash.slice(1);
    if (/^[0-9a-f]{24}$/.test(known)) show(known);
  };
  addEventListener("hashchange", look);
  look();
}

// On a phone the result is below the form.
export function bringIntoView(panel) {
  if (panel.getBoundingClientRect().top > innerHeight / 2) panel.scrollIntoView();
}
