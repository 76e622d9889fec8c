// The timeline of a session: its records as rows, a wait and its answer as one.

import { cut, h, id, json, length, replace, shortIds, time, when } from "./dom.js";
import { excerpt } from "./source.js";

const NAMES = { start: "start", call: "step", attempt: "failed attempt", ask: "wait", print: "print", done: "end" };

const SESSION = /^ses_[0-9a-z]{26}$/;

export function failure(error) {
  if (!error) return "";
  if (typeof error === "string") return error;
  return error.message ? `${error.type}: ${error.message}` : error.type || "error";
}

// Records into rows: {record, answer}. A record that answers a wait joins its row.
export class Timeline {
  constructor(options) {
    this.options = options; // {deployment(), fork(number), picked(row)}
    this.rows = [];
    this.bySeq = new Map();
    this.begin = null;
    this.end = 0;
    this.element = h("ol", { class: "steps", "aria-label": "Timeline" });
    this.printed = null;
  }

  add(records) {
    for (const record of records) {
      if (this.begin === null) this.begin = record.start || record.at;
      this.end = Math.max(this.end, record.at || 0);
      const waiting = record.kind === "answer" && this.bySeq.get(record.seq);
      if (waiting) {
        waiting.answer = record;
        this.bySeq.delete(record.seq);
        this.fill(waiting);
        continue;
      }
      const row = { record, answer: null, open: false };
      if (record.kind === "ask") this.bySeq.set(record.seq, row);
      this.rows.push(row);
      row.item = h("li", { class: "step" });
      this.fill(row);
      this.element.append(row.item);
    }
    this.bars();
  }

  // What it did, in one line.
  title(row) {
    const r = row.record, out = row.answer || r;
    if (r.kind === "start") return [h("b", null, r.name), h("span", { class: "faint" }, " starts")];
    if (r.kind === "print") return [h("span", { class: r.stream === "stderr" ? "printed printed-bad" : "printed" }, cut(r.text.replace(/\n$/, ""), 300))];
    if (r.kind === "done") return [h("b", null, r.state === "error" ? failure(r.error) : r.state === "completed" ? `returns ${r.value ?? "None"}` : `${r.state}${r.error ? `: ${failure(r.error)}` : ""}`)];
    const args = r.arguments ?? (r.args && typeof r.args === "object" ? Object.entries(r.args).filter(([, v]) => v !== null && v !== "").map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(", ") : "");
    const said = out.error ? failure(out.error) : out.result ?? (out.value === undefined || r.kind === "ask" && !row.answer ? "" : JSON.stringify(out.value));
    return [h("b", null, r.name), h("span", { class: "args" }, `(${cut(shortIds(args), 120)})`),
      r.attempt > 1 && h("span", { class: "tag" }, `attempt ${r.attempt}`), r.kind === "attempt" && r.attempt <= 1 && h("span", { class: "tag" }, "attempt 1"),
      r.in_memory && h("span", { class: "tag", title: "its arguments could not be recorded" }, "in memory"),
      r.kind === "ask" && !row.answer ? h("span", { class: "faint" }, r.due ? ` waits until ${when(r.due)}` : " waits")
        : said !== "" && said !== "null" && h("span", { class: out.error ? "said said-bad" : "said" }, out.error ? " raised " : " → ", cut(shortIds(said), 160))];
  }

  isBad(row) {
    return !!(row.answer || row.record).error;
  }

  took(row) {
    const r = row.record;
    if (r.kind === "ask") return row.answer ? row.answer.at - r.at : null;
    return r.start && r.kind !== "done" ? r.at - r.start : null;
  }

  fill(row) {
    const r = row.record, took = this.took(row), waits = r.kind === "ask" && !row.answer;
    row.item.className = `step step-${r.kind}${this.isBad(row) ? " step-bad" : ""}${waits ? " step-waits" : ""}`;
    row.panel ||= h("div", { class: "step-panel", id: `step-${r.number}` });
    row.bar = h("i", { class: "bar-of" });
    const wasFocused = row.button && row.button === document.activeElement;
    row.button = h("button", { type: "button", class: "step-head", "data-row": true, "aria-expanded": String(row.open), "aria-controls": row.panel.id, onclick: () => this.toggle(row) },
      h("span", { class: "step-number" }, String(r.number)),
      h("span", { class: "step-kind", "aria-hidden": "true" }),
      h("span", { class: "visually-hidden" }, `${NAMES[r.kind] || r.kind}: `),
      h("span", { class: "step-title" }, this.title(row)),
      h("span", { class: "step-place" }, r.file ? `${r.file}:${r.line}` : ""),
      h("span", { class: "step-took" }, took === null ? "" : length(took)),
      h("span", { class: "bar-box", "aria-hidden": "true" }, row.bar));
    row.panel.hidden = !row.open;
    if (row.open) this.detail(row);
    replace(row.item, row.button, row.panel);
    if (wasFocused) row.button.focus({ preventScroll: true });
  }

  // Where each lies in the session's time.
  bars() {
    const whole = Math.max(this.end - (this.begin || 0), 0.001);
    for (const row of this.rows) {
      const r = row.record, end = row.answer ? row.answer.at : r.at, start = row.answer ? r.at : r.start || r.at;
      row.bar.style.left = `${Math.min(98, Math.max(0, (start - this.begin) / whole * 98))}%`;
      row.bar.style.width = `${Math.max(2, (end - start) / whole * 98)}%`;
    }
  }

  toggle(row, open = !row.open) {
    row.open = open;
    row.button.setAttribute("aria-expanded", String(open));
    row.panel.hidden = !open;
    if (open) this.detail(row);
    if (open && this.options.picked) this.options.picked(row);
  }

  // Opens the row of a line, for who clicked it in the picture.
  show(matches) {
    const row = this.rows.filter(matches).pop();
    if (!row) return false;
    this.toggle(row, true);
    row.button.focus({ preventScroll: true });
    row.button.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    return true;
  }

  detail(row) {
    const r = row.record, out = row.answer || r, error = out.error;
    const fields = [];
    const field = (label, value) => value !== undefined && value !== null && value !== "" && fields.push(h("dt", null, label), h("dd", null, value));
    const code = value => h("pre", { class: "value", tabindex: "0" }, typeof value === "string" ? value : JSON.stringify(value, null, 2));
    if (r.kind === "print") field(r.stream === "stderr" ? "Standard error" : "Printed", code(r.text));
    if (r.kind === "start") field("Event", r.args === undefined ? "none" : json(r.args));
    else if (r.arguments !== undefined) field("Arguments", code(r.arguments || "none"));
    else if (r.args !== undefined) field("Arguments", code(r.args));
    if (out.result !== undefined) field("Result", code(out.result));
    else if (row.answer && SESSION.test(row.answer.value)) field("Session", h("a", { href: `#/sessions/${row.answer.value}` }, id(row.answer.value)));
    else if (row.answer && row.answer.value !== undefined) field("Answer", code(row.answer.value));
    else if (r.kind === "done" && r.value !== undefined) field("Returned", code(r.value));
    if (error) field(r.kind === "done" ? "Error" : "Raised", code(failure(error)));
    if (r.due && r.kind === "ask") field(row.answer ? "Was due" : "Until", time(r.due));
    if (r.due && r.kind === "attempt") field("Tried again", time(r.due));
    if (r.func) field("In", h("code", null, r.func));
    field(row.answer ? "From, to" : "At", row.answer ? [time(r.at), " – ", time(row.answer.at)] : time(r.at));
    if (r.size) field("Recorded", `${r.size.toLocaleString()} bytes`);
    const deployment = this.options.deployment();
    const forkable = r.number > 0 && r.kind !== "done";
    replace(row.panel, h("dl", { class: "fields" }, fields),
      r.file && excerpt(deployment, r.file, r.line, { bad: !!error }),
      error && error.traceback && trace(deployment, error.traceback),
      forkable && h("p", { class: "step-actions" }, h("button", { type: "button", onclick: () => this.options.fork(r.number) }, `Fork from step ${r.number}`),
        h("span", { class: "faint" }, ` keeps the ${r.number} record${r.number === 1 ? "" : "s"} before it, does the rest anew`)));
  }

  // The last thing it did before its end, and the one before that.
  lastSteps() {
    return this.rows.filter(row => ["call", "ask", "answer"].includes(row.record.kind)).slice(-2).reverse();
  }
}

// A traceback, outermost first, as Python tells it: the lines with their surroundings.
export function trace(deployment, frames) {
  if (!frames.length) return null;
  return h("div", { class: "trace" }, h("h3", null, "Traceback"), frames.map((frame, i) =>
    h("div", { class: "frame" }, h("p", { class: "frame-name" }, "in ", h("code", null, frame.name)),
      /^(\/|<)/.test(frame.file) ? h("p", null, h("code", null, `${frame.file}:${frame.line}`), frame.code && h("pre", { class: "value", tabindex: "0" }, frame.code))
        : excerpt(deployment, frame.file, frame.line, { around: i === frames.length - 1 ? 4 : 2, bad: i === frames.length - 1 }))));
}
