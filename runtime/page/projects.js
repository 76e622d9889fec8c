// Projects, and what their sessions share: keys and variables.

import { ask, empty, h, id, replace, table, time, toast } from "./dom.js";
import { get, listen, part, put, remove } from "./api.js";

export function projects(main, context) {
  const place = h("div");
  replace(main, h("div", { class: "head" }, h("h1", null, "Projects")), place);

  async function load() {
    let items;
    try { items = (await get("/projects")).items; } catch (error) { toast(error.message, true); return; }
    const tallies = await Promise.all(items.slice(0, 50).map(p => get("/status", { project: p.project_id }).then(s => s.sessions, () => null)));
    replace(place, !items.length ? empty("No projects yet", "A project is a folder with autokitteh.yaml and Python files.", "ak init hello", "ak deploy hello")
      : h("ul", { class: "cards" }, items.map((p, i) => card(p, tallies[i]))));
  }

  function card(p, tally) {
    return h("li", { class: "card" }, h("button", { type: "button", class: "card-link", "data-row": true, onclick: () => { context.chooseProject(p.project_id); context.navigate("#/sessions"); } },
      h("span", { class: "card-title" }, h("b", null, p.name), p.local && h("span", { class: "tag" }, "ak run")),
      h("span", { class: "card-line" }, p.active_deployment_id ? ["active: ", id(p.active_deployment_id)] : h("span", { class: "faint" }, "nothing is active")),
      tally && h("span", { class: "card-line" }, `${tally.running + tally.created} live · ${tally.completed} completed · `, h("span", { class: tally.error ? "warn" : "" }, `${tally.error} failed`)),
      h("span", { class: "card-line faint" }, "since ", time(p.created_at))));
  }

  load();
  return listen((event, data) => { if (event === "reset" || (event === "change" && data.op === "deploy")) load(); });
}

export function data(main, context) {
  const place = h("div");
  replace(main, h("div", { class: "head" }, h("h1", null, "Store and variables")), place);
  const only = context.projects.filter(p => !p.local);
  const project = context.project || (only.length === 1 ? only[0].project_id : "");
  if (!project) {
    replace(place, context.projects.length ? h("div", { class: "empty" }, h("h2", null, "Which project?"), h("p", null, "Keys and variables belong to a project."),
      h("p", { class: "choices" }, context.projects.map(p => h("button", { type: "button", onclick: () => context.chooseProject(p.project_id) }, p.name))))
      : empty("No projects yet", "Deploy one first.", "ak deploy DIR"));
    return null;
  }
  const path = `/projects/${part(project)}`, keys = h("section"), vars = h("section");
  replace(place, keys, vars);

  async function attempt(fn) {
    try { await fn(); load(); } catch (error) { toast(error.message, true); }
  }

  async function setKey(pair) {
    const given = await ask({ title: pair ? `Set ${pair.key}` : "Add a key", yes: "Set", fields: [
      ...(pair ? [] : [{ name: "key", label: "Key" }]),
      { name: "value", label: "Value", type: "textarea", value: pair ? JSON.stringify(pair.value, null, 2) : "", help: "JSON; what is none is a text." }] });
    if (!given) return;
    let value;
    try { value = JSON.parse(given.value); } catch { value = given.value; }
    attempt(() => put(`${path}/store/${part(pair ? pair.key : given.key)}`, { value }));
  }

  async function dropKey(key) {
    if (await ask({ title: `Delete ${key}?`, words: "Programs that read it get None from now on.", yes: "Delete", danger: true })) attempt(() => remove(`${path}/store/${part(key)}`));
  }

  async function setVar(v) {
    const given = await ask({ title: v ? `Set ${v.name}` : "Add a variable", yes: "Set", words: "Programs find it in their environment; processes that start after the next deploy or restart see the new value.", fields: [
      ...(v ? [] : [{ name: "name", label: "Name" }]),
      { name: "value", label: "Value", type: v && v.secret ? "password" : "text", value: v && !v.secret ? v.value : "" },
      { name: "secret", label: "Secret: never shown again", type: "checkbox", value: v && v.secret }] });
    if (given) attempt(() => put(`${path}/vars/${part(v ? v.name : given.name)}`, { value: given.value, secret: given.secret }));
  }

  async function dropVar(name) {
    if (await ask({ title: `Delete ${name}?`, words: "Programs do not find it any more.", yes: "Delete", danger: true })) attempt(() => remove(`${path}/vars/${part(name)}`));
  }

  const buttons = (edit, drop, what) => h("span", { class: "row-actions" }, h("button", { type: "button", "aria-label": `Set ${what}`, onclick: edit }, "Set"), h("button", { type: "button", "aria-label": `Delete ${what}`, onclick: drop }, "Delete"));

  async function load() {
    let pairs, variables;
    try {
      [pairs, variables] = await Promise.all([get(`${path}/store`), get(`${path}/vars`)]);
    } catch (error) {
      toast(error.message, true);
      return;
    }
    replace(keys, h("div", { class: "section-head" }, h("h2", null, "Store"), h("button", { type: "button", onclick: () => setKey(null) }, "Add a key")),
      pairs.items.length ? table("Keys and values", ["Key", "Value", ""], pairs.items.map(p => [[h("code", null, p.key), p.published && h("span", { class: "tag" }, "published")], h("pre", { class: "value", tabindex: "0" }, JSON.stringify(p.value)), buttons(() => setKey(p), () => dropKey(p.key), p.key)]))
        : empty("The store is empty", "Programs write to it by set_value; so does", "ak store set KEY VALUE"));
    replace(vars, h("div", { class: "section-head" }, h("h2", null, "Variables"), h("button", { type: "button", onclick: () => setVar(null) }, "Add a variable")),
      variables.items.length ? table("Variables", ["Name", "Value", ""], variables.items.map(v => [[h("code", null, v.name), v.secret && h("span", { class: "tag" }, "secret")], v.value === "" ? h("span", { class: "faint" }, "not set") : h("code", null, v.value), buttons(() => setVar(v), () => dropVar(v.name), v.name)]))
        : empty("No variables", "A manifest names them, and so does", "ak var set NAME VALUE"));
  }

  load();
  let soon = null;
  const stop = listen((event, what) => {
    if (event === "reset" || event === "change" || (event === "session" && what.project_id === project)) soon ||= setTimeout(() => { soon = null; if (!place.contains(document.activeElement)) load(); }, 1000);
  });
  return () => { stop(); clearTimeout(soon); };
}
