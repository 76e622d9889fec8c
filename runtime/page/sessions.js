// The list of sessions: as many as there are, of which only those in sight are elements.

import { badge, cut, empty, h, length, plural, replace, stateOf, toast, waitWords, when } from "./dom.js";
import { get, listen } from "./api.js";

const ROW = 56, NARROW_ROW = 84, SPARE = 8, PAGE = 500;
const FILTERS = [["", "All"], ["created,running", "Live"], ["completed", "Completed"], ["error", "Failed"], ["stopped", "Stopped"]];

function summary(session) {
  if (session.state === "error") return `${session.error?.type || "error"}: ${session.error?.message || session.error || ""}`;
  if (session.wait) return waitWords(session.wait);
  if (session.state === "completed") return session.value && session.value !== "None" ? `→ ${session.value}` : "";
  return "";
}

function fillRow(link, session, projects) {
  const state = stateOf(session), text = summary(session);
  const took = session.ended ? length(session.ended - session.created) : "";
  replace(link, badge(state),
    h("span", { class: "row-main" }, h("span", { class: "row-entry" }, session.entry), h("span", { class: "row-project" }, projects.get(session.project_id) || "")),
    h("span", { class: state === "error" ? "row-what row-what-bad" : "row-what" }, cut(text, 200)),
    h("span", { class: "row-time" }, when(session.created), took && h("span", { class: "faint" }, ` · ${took}`)));
  link.className = `row row-${state}`;
}

// Rows by newest id; one element a row in sight, kept while it is, so that the focus stays.
class List {
  constructor(box, projects, more) {
    this.rows = [];
    this.byId = new Map();
    this.elements = new Map();
    this.projects = projects;
    this.more = more;
    this.height = matchMedia("(max-width: 640px)").matches ? NARROW_ROW : ROW;
    this.inner = h("ul", { class: "rows", "aria-label": "Sessions" });
    box.append(this.inner);
    this.draw = this.draw.bind(this);
    this.pending = false;
    addEventListener("scroll", this.soon = () => this.wish(), { passive: true });
    addEventListener("resize", this.resized = () => {
      this.height = matchMedia("(max-width: 640px)").matches ? NARROW_ROW : ROW;
      this.forget();
      this.wish();
    });
  }

  end() {
    removeEventListener("scroll", this.soon);
    removeEventListener("resize", this.resized);
  }

  wish() {
    if (this.pending) return;
    this.pending = true;
    requestAnimationFrame(this.draw);
  }

  forget() {
    for (const item of this.elements.values()) item.remove();
    this.elements.clear();
  }

  clear() {
    this.rows = [];
    this.byId.clear();
    this.forget();
  }

  append(items) {
    for (const session of items) {
      if (this.byId.has(session.id)) continue;
      this.byId.set(session.id, session);
      this.rows.push(session);
    }
    this.wish();
  }

  // A session that has changed, or is new: ids sort by time.
  put(session) {
    const old = this.byId.get(session.id);
    if (old) {
      Object.assign(old, { wait: undefined, error: undefined, value: undefined }, session);
      const item = this.elements.get(session.id);
      if (item) fillRow(item.firstChild, old, this.projects);
      return;
    }
    let at = 0;
    while (at < this.rows.length && this.rows[at].id > session.id) at++;
    this.byId.set(session.id, session);
    this.rows.splice(at, 0, session);
    this.wish();
  }

  drop(id) {
    if (!this.byId.delete(id)) return;
    this.rows = this.rows.filter(row => row.id !== id);
    this.wish();
  }

  item(session) {
    const link = h("a", { href: `#/sessions/${session.id}`, "data-row": true });
    fillRow(link, session, this.projects);
    return h("li", null, link);
  }

  draw() {
    this.pending = false;
    const top = this.inner.getBoundingClientRect().top;
    const from = Math.max(0, Math.floor(-top / this.height) - SPARE);
    const to = Math.min(this.rows.length, Math.ceil((innerHeight - top) / this.height) + SPARE);
    this.inner.style.height = `${this.rows.length * this.height}px`;
    const wanted = new Set();
    for (let i = from; i < to; i++) {
      const session = this.rows[i];
      wanted.add(session.id);
      let item = this.elements.get(session.id);
      if (!item) this.elements.set(session.id, item = this.item(session));
      item.style.transform = `translateY(${i * this.height}px)`;
      item.setAttribute("aria-setsize", this.rows.length);
      item.setAttribute("aria-posinset", i + 1);
      if (!item.isConnected) this.place(item, i);
    }
    for (const [id, item] of this.elements)
      if (!wanted.has(id)) {
        item.remove();
        this.elements.delete(id);
      }
    if (to + 100 > this.rows.length) this.more();
  }

  // In the order of the list, as it is read and tabbed through.
  place(item, i) {
    let next = null;
    for (let k = i + 1; k < this.rows.length && !next; k++) {
      const after = this.elements.get(this.rows[k].id);
      if (!after) break;
      if (after.isConnected) next = after;
    }
    this.inner.insertBefore(item, next);
  }
}

export function sessions(main, context) {
  const filter = { state: context.query.get("state") || "", text: context.query.get("text") || "", deployment: context.query.get("deployment") || "" };
  const names = new Map();
  const counts = h("p", { class: "count", role: "status" });
  const box = h("div", { class: "list" });
  const none = h("div");
  const search = h("input", { type: "search", placeholder: "Filter by id, function, error, result", "aria-label": "Filter sessions", value: filter.text, spellcheck: "false" });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "State" });
  const list = new List(box, names, more);
  let next = null, loading = false, run = 0, totals = null;

  function nameProjects() {
    for (const p of context.projects) names.set(p.project_id, context.projects.length > 1 && !context.project ? p.name : "");
  }

  function showChips() {
    replace(chips, FILTERS.map(([state, label]) => {
      const n = totals && (state ? state.split(",").reduce((sum, s) => sum + totals[s], 0) : Object.values(totals).reduce((a, b) => a + b, 0));
      return h("button", { type: "button", class: "chip", "aria-pressed": String(filter.state === state), onclick: () => choose(state) },
        label, totals && h("span", { class: "chip-count" }, n.toLocaleString()));
    }));
  }

  function choose(state) {
    filter.state = state;
    // The address tells the filter, so that it can be come back to.
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
    history.replaceState(null, "", `#/sessions${query.size ? "?" + query : ""}`);
    const at = [...chips.children].indexOf(document.activeElement);
    showChips();
    if (at >= 0) chips.children[at].focus();
    load();
  }

  function query(cursor) {
    return { project: context.project, state: filter.state, text: filter.text, deployment: filter.deployment, limit: PAGE, cursor };
  }

  function showCount() {
    replace(counts, list.rows.length ? `${plural(list.rows.length, "session")}${next ? " so far" : ""}` : "");
    replace(none, list.rows.length || loading || next ? [] : nothing());
  }

  function nothing() {
    if (filter.state || filter.text || filter.deployment) return empty("No session fits", "Take another filter, or clear it.");
    if (!context.projects.length) return empty("Nothing is deployed yet", "A project is a folder with autokitteh.yaml and Python files. Make one, and put it to work:", "ak init hello", "ak deploy hello");
    return empty("No sessions yet", ["A session starts when a webhook is called, a schedule fires, or you make an event by hand, ", h("a", { href: "#/triggers" }, "here"), " or there:"], "ak trigger list", "ak trigger fire NAME");
  }

  async function fetchPage(cursor) {
    const mine = run;
    loading = true;
    try {
      const page = await get("/sessions", query(cursor));
      if (mine !== run) return;
      next = page.next;
      list.append(page.items);
    } catch (error) {
      if (mine === run) next = null;
      toast(error.message, true);
    }
    if (mine !== run) return;
    loading = false;
    showCount();
  }

  async function load() {
    run++;
    next = null;
    list.clear();
    list.wish();
    tally();
    await fetchPage();
  }

  function more() {
    if (next && !loading) fetchPage(next);
  }

  let tallied = null;
  function tally() {
    tallied ||= setTimeout(async () => {
      tallied = null;
      try {
        totals = (await get("/status", { project: context.project })).sessions;
        const at = [...chips.children].indexOf(document.activeElement);
        showChips();
        if (at >= 0) chips.children[at].focus();
      } catch { /* the list says so */ }
    }, totals ? 1000 : 0);
  }

  function fits(session) {
    const text = filter.text.toLowerCase();
    return (!context.project || session.project_id === context.project) && (!filter.deployment || session.deployment_id === filter.deployment) &&
      (!filter.state || filter.state.split(",").includes(session.state)) &&
      (!text || [session.id, session.entry, summary(session)].some(t => t.toLowerCase().includes(text)));
  }

  let typed = null;
  search.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => { filter.text = search.value.trim(); choose(filter.state); }, 200);
  });
  search.addEventListener("keydown", event => {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    box.querySelector("[data-row]")?.focus();
  });
  box.addEventListener("keydown", event => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (!by) return;
    const item = event.target.closest("li");
    const next = by > 0 ? item?.nextElementSibling : item?.previousElementSibling;
    event.preventDefault();
    if (next) next.firstChild.focus();
    else if (by < 0) search.focus();
  });

  replace(main, h("div", { class: "head" }, h("h1", null, "Sessions"), counts), h("div", { class: "tools" }, chips, search),
    filter.deployment && h("p", { class: "note" }, "Of deployment ", h("code", null, filter.deployment), " ",
      h("button", { type: "button", class: "link", onclick: () => { filter.deployment = ""; choose(filter.state); main.querySelector(".note").remove(); } }, "show all")),
    box, none);
  nameProjects();
  showChips();
  load();

  const stop = listen((event, data) => {
    if (event === "session") {
      if (fits(data)) list.put(data);
      else list.drop(data.id);
      showCount();
      tally();
    } else if (event === "projects") {
      nameProjects();
      showCount();
    } else if (event === "reset" || (event === "change" && (data.op === "delete_session" || data.op === "prune"))) {
      load();
    }
  });
  return () => {
    run++;
    stop();
    list.end();
    clearTimeout(typed);
    clearTimeout(tallied);
  };
}
