// Elements are made here and nowhere else. What comes from outside becomes a text node, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = value;
    else if (name === "href") element.setAttribute("href", safe(value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : visible(String(child)));
  }
  return element;
}

// Links lead to places in this page.
function safe(link) { return link.startsWith("#") ? link : "#"; }

// Control characters, and those that turn the direction of what follows, are shown, not obeyed.
function visible(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
    c => "\\" + (c < "\u0100" ? "x" + c.charCodeAt(0).toString(16).padStart(2, "0") : "u" + c.charCodeAt(0).toString(16)));
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
  return element;
}

export function waitWords(wait) {
  const words = { sleep: "sleeps", event: "waits for an event", signal: "waits for a signal", retry: "waits to try again" }[wait.kind] || `waits: ${wait.kind}`;
  return wait.until ? `${words} until ${when(wait.until)}` : words;
}

// ---- Words

export function cut(text, max) { return text.length > max ? text.slice(0, max) + "…" : text; }

// Ids among other words: their kind and their end.
export function shortIds(text) { return text.replace(/\b([a-z]{3})_[0-9a-z]{21}([0-9a-z]{5})\b/g, "$1_…$2"); }

export function length(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "";
  const s = Math.max(0, seconds);
  if (s < 0.001) return "<1 ms";
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function when(seconds) {
  if (!seconds) return "–";
  const date = new Date(seconds * 1000), today = new Date();
  return date.toDateString() === today.toDateString() ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`;
}

export function time(seconds) {
  if (!seconds) return h("span", { class: "faint" }, "–");
  const date = new Date(seconds * 1000);
  return h("time", { datetime: date.toISOString(), title: whole.format(date) }, when(seconds));
}

export function plural(n, word) { return `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`; }

// ---- Parts that every view uses

const STATES = { created: "created", running: "running", waiting: "waiting", completed: "completed", error: "failed", stopped: "stopped",
                 ACTIVE: "active", DRAINING: "draining", INACTIVE: "inactive" };

export function badge(state) {
  return h("span", { class: `badge badge-${state.toLowerCase()}` }, h("i", { "aria-hidden": "true" }), STATES[state] || state);
}

export function stateOf(session) { return session.state === "running" && session.wait ? "waiting" : session.state; }

export function id(text) { return h("code", { class: "id", title: text }, text); }

export function command(text) {
  const button = h("button", { type: "button", class: "copy", "aria-label": `Copy: ${text}`, onclick: () => copy(text) }, "Copy");
  return h("span", { class: "command" }, h("code", null, text), button);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("This browser does not let the page copy");
  }
}

export function empty(title, words, ...commands) {
  return h("div", { class: "empty" }, h("h2", null, title), h("p", null, words), commands.map(command));
}

export function json(value) {
  return h("pre", { class: "json", tabindex: "0" }, JSON.stringify(value, null, 2));
}

export function table(label, columns, rows) {
  return h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": label },
    h("table", null,
      h("thead", null, h("tr", null, columns.map(c => h("th", { scope: "col" }, c || h("span", { class: "visually-hidden" }, "Actions"))))),
      h("tbody", null, rows.map(cells => h("tr", null, cells.map((c, i) => h("td", { "data-label": columns[i] }, c)))))));
}

export function toast(words, bad) {
  const place = document.getElementById("toasts");
  const line = h("p", { class: bad ? "toast toast-bad" : "toast" }, words);
  place.append(line);
  setTimeout(() => line.remove(), bad ? 8000 : 3000);
}

// Asks before something is done. fields: [{name, label, type, value, help}]. Resolves to their values, or null.
export function ask({ title, words, fields = [], yes, danger }) {
  return new Promise(resolve => {
    const inputs = fields.map(f => {
      const attributes = { name: f.name, id: `ask-${f.name}`, autocomplete: "off", spellcheck: "false" };
      const input = f.type === "textarea" ? h("textarea", { ...attributes, rows: f.rows || 5 }, f.value || "")
        : h("input", { ...attributes, type: f.type || "text", value: f.type === "checkbox" ? undefined : f.value });
      if (f.type === "checkbox") input.checked = !!f.value;
      return [f, input];
    });
    const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title" },
      h("form", { method: "dialog" },
        h("h2", { id: "ask-title" }, title),
        typeof words === "string" ? h("p", null, words) : words,
        inputs.map(([f, input]) => h("div", { class: f.type === "checkbox" ? "field field-check" : "field" },
          h("label", { for: input.id }, f.label), input, f.help && h("p", { class: "help" }, f.help))),
        h("div", { class: "buttons" },
          h("button", { value: "no", type: "submit", formnovalidate: true }, "Cancel"),
          h("button", { value: "yes", type: "submit", class: danger ? "danger" : "primary" }, yes))));
    dialog.addEventListener("close", () => {
      const values = Object.fromEntries(inputs.map(([f, input]) => [f.name, f.type === "checkbox" ? input.checked : input.value]));
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? values : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    const first = inputs.length ? inputs[0][1] : dialog.querySelector("button[value=yes]");
    first.focus();
    // Enter in a field is the yes, not the first button of the form.
    for (const [f, input] of inputs)
      if (f.type !== "textarea") input.addEventListener("keydown", event => {
        if (event.key === "Enter") { event.preventDefault(); dialog.close("yes"); }
      });
  });
}
