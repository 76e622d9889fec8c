// Deployments: what the gate found, what is at work, the code and the pictures of its workflows.

import { ask, badge, empty, h, id, json, plural, replace, table, time, toast } from "./dom.js";
import { get, listen, part, post, remove } from "./api.js";
import { picture } from "./picture.js";
import { browser, excerpt } from "./source.js";

function verdictWords(d) {
  const parts = [["errors", "error"], ["warnings", "warning"], ["notes", "note"]].filter(([key]) => d[key]).map(([key, word]) => plural(d[key], word));
  if (d.allowed) parts.push(`${d.allowed} allowed`);
  return parts.length ? parts.join(", ") : "no findings";
}

export function deployments(main, context) {
  const list = h("div");
  replace(main, h("div", { class: "head" }, h("h1", null, "Deployments")), list);

  async function load() {
    let items;
    try { items = (await get("/deployments", { project: context.project })).items; } catch (error) { toast(error.message, true); return; }
    replace(list, items.length ? h("ul", { class: "cards" }, items.map(card))
      : empty("Nothing is deployed yet", "A deployment is a project's code that has passed the gate.", "ak deploy DIR"));
  }

  function card(d) {
    return h("li", { class: "card" },
      h("a", { class: "card-link", href: `#/deployments/${d.deployment_id}`, "data-row": true },
        h("span", { class: "card-title" }, h("b", null, d.project), badge(d.state)),
        h("span", { class: "card-line" }, id(d.deployment_id)),
        h("span", { class: "card-line" }, "Gate: ", h("span", { class: d.errors || d.warnings || d.allowed ? "warn" : "good" }, verdictWords(d)), ` · dialect ${d.dialect}`),
        h("span", { class: "card-line faint" }, "made ", time(d.created_at), d.live_sessions ? ` · ${plural(d.live_sessions, "live session")}` : "")));
  }

  load();
  return listen((event, data) => {
    if (event === "reset" || (event === "change" && ["deploy", "activate", "deactivate", "delete_deployment"].includes(data.op))) load();
  });
}

const TRAIL_SHOWN = 8;

function finding(d, f) {
  const trail = f.trail.slice(0, TRAIL_SHOWN);
  return h("li", { class: `finding finding-${f.level}` },
    h("p", { class: "finding-head" }, h("span", { class: "tag" }, f.level), h("b", null, f.code), " ", f.message, f.allowed && h("span", { class: "tag" }, "allowed")),
    excerpt(d.deployment_id, f.filename, f.location.row, { around: 2, bad: f.level === "error" }),
    trail.length > 0 && h("details", null, h("summary", null, `How it is reached: ${plural(f.trail.length, "step")}`),
      h("ol", { class: "trail" }, trail.map(step => h("li", null, step.message || "", excerpt(d.deployment_id, step.filename, step.location.row, { around: 1 }))))),
    h("p", { class: "faint" }, h("code", null, `aklint explain ${f.code}`), " tells more"));
}

function gate(d) {
  const v = d.verdict;
  if (!v) return h("p", { class: "faint" }, "Made by ak run: it went through no gate.");
  const allow = v.allow || [], findings = v.findings || [];
  return [
    h("p", { class: d.verdict_holds ? "verdict verdict-good" : "verdict verdict-bad" },
      d.verdict_holds ? `Passed: ${verdictWords(v)}.` : "This verdict does not belong to the content: the server refuses to run it. Deploy it again."),
    allow.length > 0 && table("Rules that were let pass", ["Rule", "Reason"], allow.map(a => [h("code", null, a.id), a.reason])),
    findings.length > 0 && h("ul", { class: "findings" }, findings.map(f => finding(d, f)))];
}

function pictures(d) {
  const all = d.verdict && d.verdict.pictures || {}, names = Object.keys(all).filter(name => all[name].nodes.length > 2);
  if (!names.length) return null;
  const place = h("div", { class: "picture-box", tabindex: "0", role: "region", "aria-label": "Picture of the workflow" }), where = h("div");
  const select = h("select", { "aria-label": "Workflow" }, names.map(name => h("option", { value: name }, name)));
  const show = () => {
    replace(where);
    replace(place, picture(all[select.value], select.value, node => replace(where, excerpt(d.deployment_id, node.file, node.line))).element);
  };
  select.addEventListener("change", show);
  show();
  return h("section", null, h("h2", null, "Workflows"), names.length > 1 ? select : h("p", null, h("code", null, names[0])), place, where);
}

function triggersOf(d) {
  const triggers = d.manifest && d.manifest.triggers || [];
  if (!triggers.length) return null;
  return h("section", null, h("h2", null, "Triggers"),
    table("Triggers of this deployment", ["Name", "Kind", "Calls", "When"], triggers.map(t => [t.name, t.kind, h("code", null, t.call || ""), h("code", null, t.schedule || t.filter || t.event_type || "")])));
}

export function deployment(main, context) {
  const name = context.args[0], place = h("div");
  let over = false;
  replace(main, h("p", { class: "back" }, h("a", { href: "#/deployments" }, "← Deployments")), place);

  async function change(question, fn, after) {
    if (!await ask(question)) return;
    try {
      await fn();
      if (after) context.navigate(after);
      else load();
    } catch (error) {
      toast(error.message, true);
    }
  }

  function actions(d) {
    const path = `/deployments/${part(name)}`;
    const button = (label, kind, question, fn, after) => h("button", { type: "button", class: kind, onclick: () => change(question, fn, after) }, label);
    return h("div", { class: "actions" },
      d.state !== "ACTIVE" && d.verdict && button("Activate", "primary", { title: "Activate?", words: "New events go to this deployment. The one before drains: its sessions end on the code they began with.", yes: "Activate" }, () => post(`${path}/activate`)),
      d.state === "ACTIVE" && button("Deactivate", "danger", { title: "Deactivate?", words: "It takes no more events. Its sessions go on.", yes: "Deactivate", danger: true }, () => post(`${path}/deactivate`)),
      d.state === "INACTIVE" && button("Delete", "", { title: "Delete this deployment?", words: "Only one without sessions can be deleted. This cannot be taken back.", yes: "Delete", danger: true }, () => remove(path), "#/deployments"));
  }

  async function load() {
    let d, files;
    try {
      [d, files] = await Promise.all([get(`/deployments/${part(name)}`), get(`/deployments/${part(name)}/source`).then(s => s.files, () => [])]);
    } catch (error) {
      if (error.status === 404) replace(place, empty("There is no such deployment", "It may have been deleted.", "ak deployment list"));
      else toast(error.message, true);
      return;
    }
    if (over) return;
    replace(place, h("div", { class: "head" }, h("div", { class: "title" }, h("h1", null, d.project || "ak run"), badge(d.state)), actions(d),
      h("dl", { class: "facts" }, h("dt", null, "Deployment"), h("dd", null, id(d.deployment_id)), h("dt", null, "Build"), h("dd", null, id(d.build_id)),
        h("dt", null, "Dialect"), h("dd", null, d.dialect), h("dt", null, "Made"), h("dd", null, time(d.created_at)), h("dt", null, "Live sessions"), h("dd", null, String(d.live_sessions)),
        h("dt", null, "Sessions"), h("dd", null, h("a", { href: `#/sessions?deployment=${d.deployment_id}` }, "show")))),
    h("section", null, h("h2", null, "Gate"), gate(d)), pictures(d), triggersOf(d),
    files.length > 0 && h("section", null, h("h2", null, "Code"), browser(d.deployment_id, files)),
    h("section", null, h("details", null, h("summary", null, "Manifest"), json(d.manifest))));
  }

  load();
  const stop = listen((event, data) => {
    if (event === "reset" || (event === "change" && ["deploy", "activate", "deactivate"].includes(data.op))) load();
  });
  return () => { over = true; stop(); };
}
