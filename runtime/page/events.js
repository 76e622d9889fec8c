// Triggers, and the events they made.

import { ask, badge, command, empty, h, id, json, replace, stateOf, table, time, toast } from "./dom.js";
import { get, listen, part, post } from "./api.js";

export function triggers(main, context) {
  const place = h("div");
  replace(main, h("div", { class: "head" }, h("h1", null, "Triggers")), place);

  // What its latest event had; else what such an event has.
  async function example(t) {
    const page = await get("/events", { project: t.project_id, limit: 100 });
    const last = page.items.find(e => e.trigger_id === t.trigger_id);
    if (last) return { type: last.type, data: (await get(`/events/${part(last.event_id)}`)).event.data };
    if (!t.path) return { type: t.kind === "schedule" ? "tick" : "manual", data: {} };
    return { type: "post", data: { method: "POST", headers: {}, url: { path: t.path, query: {}, path_suffix: "" }, body: { bytes: null, text: "", form: null, json: {} } } };
  }

  async function fire(t) {
    const { type, data: like } = await example(t).catch(() => ({ type: "manual", data: {} }));
    const given = await ask({ title: `Fire ${t.name}?`, words: `An event is made by hand, and ${t.call || "its program"} runs.`, yes: "Fire",
      fields: [{ name: "event_type", label: "Event type", value: type }, { name: "data", label: "Data, as JSON", type: "textarea", value: JSON.stringify(like, null, 2), rows: 14 }] });
    if (!given) return;
    let data;
    try {
      data = JSON.parse(given.data || "{}");
    } catch (error) {
      toast(`That is no JSON: ${error.message}`, true);
      return;
    }
    try {
      const made = await post(`/triggers/${part(t.trigger_id)}/fire`, { event_type: given.event_type, data });
      context.navigate(made.session_id ? `#/sessions/${made.session_id}` : `#/events/${made.event_id}`);
    } catch (error) {
      toast(error.message, true);
    }
  }

  async function load() {
    let items;
    try { items = (await get("/triggers", { project: context.project })).items; } catch (error) { toast(error.message, true); return; }
    const projects = new Map(context.projects.map(p => [p.project_id, p.name]));
    replace(place, !items.length ? empty("No triggers", "Triggers stand in a project's autokitteh.yaml; a deploy makes them.", "ak manifest plan DIR", "ak deploy DIR")
      : table("Triggers", ["Name", ...(context.project ? [] : ["Project"]), "Kind", "Calls", "Where, when", ""], items.map(t => [
        h("b", null, t.name), ...(context.project ? [] : [projects.get(t.project_id) || ""]), t.enabled ? t.kind : `${t.kind}, off`, h("code", null, t.call),
        t.path ? command(location.origin + t.path) : [h("code", null, t.where), t.next_at ? [h("br"), h("span", { class: "faint" }, "next "), time(t.next_at)] : null],
        t.enabled && h("button", { type: "button", onclick: () => fire(t) }, "Fire…")])));
  }

  load();
  return listen((event, data) => { if (event === "reset" || event === "change" && data.op !== "event") load(); });
}

async function namesOfTriggers(project) {
  return new Map((await get("/triggers", { project })).items.map(t => [t.trigger_id, t.name]));
}

export function events(main, context) {
  const place = h("div"), more = h("p");
  let rows = [], next = null, over = false, triggers = new Map();
  replace(main, h("div", { class: "head" }, h("h1", null, "Events")), place, more);

  function show() {
    const projects = new Map(context.projects.map(p => [p.project_id, p.name]));
    replace(place, !rows.length ? empty("No events yet", "An event is made by a webhook, a schedule, or by hand:", "ak trigger list", "ak trigger fire NAME")
      : table("Events", ["Event", "Trigger", "Type", ...(context.project ? [] : ["Project"]), "When"], rows.map(e => [
        h("a", { href: `#/events/${e.event_id}`, "data-row": true }, id(e.event_id)), h("b", null, triggers.get(e.trigger_id) || ""), e.type,
        ...(context.project ? [] : [projects.get(e.project_id) || ""]), time(e.created_at)])));
    replace(more, next && h("button", { type: "button", onclick: () => load(next) }, "Show older ones"));
  }

  async function load(cursor) {
    try {
      const [page, named] = await Promise.all([get("/events", { project: context.project, limit: 100, cursor }), namesOfTriggers(context.project)]);
      if (over) return;
      triggers = named;
      rows = cursor ? [...rows, ...page.items] : page.items;
      next = page.next;
      show();
    } catch (error) {
      toast(error.message, true);
    }
  }

  // New ones come in front; what was paged to stays.
  async function newest() {
    try {
      const page = await get("/events", { project: context.project, limit: 100 });
      if (over) return;
      const known = new Set(rows.map(e => e.event_id));
      rows = [...page.items.filter(e => !known.has(e.event_id)), ...rows];
      if (rows.length === page.items.length) next = page.next;
      show();
    } catch { /* the connection's sign tells */ }
  }

  load();
  let soon = null;
  const stop = listen((event, data) => {
    if (event === "reset" || (event === "change" && ["event", "fire", "redispatch"].includes(data.op))) soon ||= setTimeout(() => { soon = null; newest(); }, 300);
  });
  return () => { over = true; stop(); clearTimeout(soon); };
}

export function event(main, context) {
  const name = context.args[0], place = h("div"), started = h("section");
  let over = false, soon = null;
  replace(main, h("p", { class: "back" }, h("a", { href: "#/events" }, "← Events")), place);

  async function redispatch() {
    if (!await ask({ title: "Send it again?", words: "A new event with the same type and data goes to its trigger, and starts what the trigger starts.", yes: "Send again" })) return;
    try {
      const made = await post(`/events/${part(name)}/redispatch`);
      toast("Sent again");
      context.navigate(made.session_id ? `#/sessions/${made.session_id}` : `#/events/${made.event_id}`);
    } catch (error) {
      toast(error.message, true);
    }
  }

  function show(e, trigger) {
    replace(place,
      h("div", { class: "head" }, h("div", { class: "title" }, h("h1", null, trigger ? `${trigger}: ${e.type}` : `Event: ${e.type}`)),
        h("div", { class: "actions" }, e.trigger_id && h("button", { type: "button", class: "primary", onclick: redispatch }, "Send again")),
        h("dl", { class: "facts" }, h("dt", null, "Event"), h("dd", null, id(e.event_id)), h("dt", null, "When"), h("dd", null, time(e.created_at)),
          trigger && [h("dt", null, "Trigger"), h("dd", null, trigger)],
          e.key && [h("dt", null, "Idempotency key"), h("dd", null, h("code", null, e.key))])),
      started,
      h("section", null, h("h2", null, "What handlers get"), json(e.event)));
  }

  // The sessions that began with it.
  async function sessions() {
    try {
      const items = (await get("/sessions", { event: name, limit: 50 })).items;
      if (over) return;
      replace(started, h("h2", null, "Sessions"), items.length ? table("Sessions of this event", ["State", "Function", "Session", "Began"], items.map(s => [
        badge(stateOf(s)), h("b", null, s.entry), h("a", { href: `#/sessions/${s.id}`, "data-row": true }, id(s.id)), time(s.created)]))
        : h("p", { class: "faint" }, "It started none; a session that waited for it may have taken it."));
    } catch (error) {
      toast(error.message, true);
    }
  }

  async function load() {
    try {
      const e = await get(`/events/${part(name)}`), triggers = await namesOfTriggers(e.project_id);
      if (over) return;
      show(e, triggers.get(e.trigger_id));
      sessions();
    } catch (error) {
      if (error.status === 404) replace(place, empty("There is no such event", "It may have been deleted.", "ak event list"));
      else toast(error.message, true);
    }
  }

  load();
  const stop = listen((kind, data) => {
    if (kind === "reset" || (kind === "session" && data.event_id === name)) soon ||= setTimeout(() => { soon = null; sessions(); }, 300);
  });
  return () => { over = true; stop(); clearTimeout(soon); };
}
