// The frame: which view is shown, the project, the theme, the connection, the keys.

import { ask, h, replace, toast } from "./dom.js";
import { follow, get, listen, tell } from "./api.js";
import { sessions } from "./sessions.js";
import { session } from "./session.js";
import { deployment, deployments } from "./deployments.js";
import { event, events, triggers } from "./events.js";
import { data, projects } from "./projects.js";

// Each view: (place, context) → what ends it, or nothing. `key` marks the entry in the navigation.
const views = [
  { path: /^\/sessions$/, key: "sessions", title: "Sessions", show: sessions },
  { path: /^\/sessions\/([^/]+)$/, key: "sessions", title: "Session", show: session },
  { path: /^\/deployments$/, key: "deployments", title: "Deployments", show: deployments },
  { path: /^\/deployments\/([^/]+)$/, key: "deployments", title: "Deployment", show: deployment },
  { path: /^\/triggers$/, key: "triggers", title: "Triggers", show: triggers },
  { path: /^\/events$/, key: "events", title: "Events", show: events },
  { path: /^\/events\/([^/]+)$/, key: "events", title: "Event", show: event },
  { path: /^\/data$/, key: "data", title: "Store and variables", show: data },
  { path: /^\/projects$/, key: "projects", title: "Projects", show: projects },
];
const entries = [["sessions", "Sessions"], ["deployments", "Deployments"], ["triggers", "Triggers"], ["events", "Events"], ["data", "Data"], ["projects", "Projects"]];

const main = document.getElementById("main");
const select = document.getElementById("project");
const context = { project: remembered("ak.project") || "", projects: [], navigate, chooseProject, args: [], query: new URLSearchParams() };
let leave = null, shown = "";

function remembered(key) {
  try { return sessionStorage.getItem(key); } catch { return null; }
}

function navigate(to) { location.hash = to; }

function showNav(key) {
  replace(document.getElementById("nav"), entries.map(([name, label]) =>
    h("a", { href: `#/${name}`, "aria-current": name === key ? "page" : undefined }, label)));
}

function route() {
  const [path, query] = location.hash.slice(1).split("?");
  if (!path.startsWith("/")) {
    if (path !== "main") location.replace("#/sessions");
    return;
  }
  const view = views.find(v => v.path.test(path));
  if (!view) {
    location.replace("#/sessions");
    return;
  }
  if (leave) leave();
  context.args = view.path.exec(path).slice(1).map(decodeURIComponent);
  context.query = new URLSearchParams(query || "");
  showNav(view.key);
  document.title = `${view.title} · ak`;
  replace(main);
  window.scrollTo(0, 0);
  leave = view.show(main, context) || null;
  // Who came by a link goes on reading here; at the start the focus stays with the browser.
  if (shown && shown !== path) main.focus({ preventScroll: true });
  shown = path;
}

// ---- The project

async function loadProjects() {
  try {
    context.projects = (await get("/projects")).items;
  } catch (error) {
    toast(error.message, true);
    return;
  }
  if (!context.projects.some(p => p.project_id === context.project)) context.project = "";
  replace(select, h("option", { value: "" }, "All projects"),
    context.projects.map(p => h("option", { value: p.project_id }, p.name)));
  select.value = context.project;
}

function chooseProject(id) {
  context.project = id;
  select.value = id;
  try { sessionStorage.setItem("ak.project", id); } catch { /* chosen until the page goes */ }
  route();
}

select.addEventListener("change", () => chooseProject(select.value));

// ---- Light and dark

const button = document.getElementById("theme");

function theme() {
  return document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

function showTheme() {
  const next = theme() === "dark" ? "light" : "dark";
  button.setAttribute("aria-label", `Use the ${next} theme`);
  button.title = `Use the ${next} theme`;
  button.textContent = next === "dark" ? "☾" : "☀";
}

button.addEventListener("click", () => {
  const next = theme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem("ak.theme", next); } catch { /* as long as the page lives */ }
  showTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);

// ---- Keys

const KEYS = [["/", "filter sessions"], ["j k", "next and previous row"], ["Enter", "open the row"], ["g", "back to the sessions"], ["?", "this list"]];

function isTyping(target) { return target.closest("input, textarea, select, dialog"); }

function step(by) {
  const rows = [...main.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement.closest("[data-row]"));
  const next = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) next.focus();
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const field = main.querySelector("input[type=search]");
  if (event.key === "/" && field) field.focus();
  else if (event.key === "j") step(1);
  else if (event.key === "k") step(-1);
  else if (event.key === "g") navigate("#/sessions");
  else if (event.key === "?") ask({ title: "Keys", words: h("dl", { class: "keys" }, KEYS.map(([k, what]) => [h("dt", null, h("kbd", null, k)), h("dd", null, what)])), yes: "Close" });
  else return;
  event.preventDefault();
});

// ---- The connection

const live = document.getElementById("live");
function showLive(on) {
  live.className = on ? "live live-on" : "live live-off";
  replace(live, h("i", { "aria-hidden": "true" }), h("span", null, on ? "Live" : "Reconnecting"));
}

listen((event, data) => {
  if (event === "live") showLive(true);
  else if (event === "away") showLive(false);
  else if (event === "change" && data.op === "deploy") loadProjects().then(() => tell("projects", null));
});

addEventListener("hashchange", route);
showTheme();
showLive(false);
await loadProjects();
if (!location.hash) history.replaceState(null, "", "#/sessions");
route();
follow();
