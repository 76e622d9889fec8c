// Excerpts of the code that a deployment runs, from its bundle.

import { h, replace } from "./dom.js";
import { get, part } from "./api.js";

const files = new Map();

function sourceOf(deployment, file) {
  const key = `${deployment} ${file}`;
  if (!files.has(key)) {
    const asked = get(`/deployments/${part(deployment)}/source`, { file }).then(s => coloured(s.text, file.endsWith(".py")), () => null);
    files.set(key, asked);
    if (files.size > 200) files.delete(files.keys().next().value);
  }
  return files.get(key);
}

// Comments, strings, words of the language, decorators: enough of Python to colour it.
const TOKEN = /(#.*)|((?<!\w)[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|\b(and|as|assert|async|await|break|class|continue|def|del|elif|else|except|False|finally|for|from|global|if|import|in|is|lambda|None|nonlocal|not|or|pass|raise|return|True|try|while|with|yield)\b|((?<!\S)@[\w.]+)/g;
const KINDS = [, "comment", "string", "word", "decorator"];

// Lines of [class, text].
function coloured(text, isPython) {
  const all = [[]];
  const add = (kind, words) => words.split("\n").forEach((part, i) => {
    if (i) all.push([]);
    if (part) all[all.length - 1].push([kind, part]);
  });
  let at = 0;
  for (const found of isPython ? text.matchAll(TOKEN) : []) {
    add(null, text.slice(at, found.index));
    add(KINDS[found.findIndex((group, i) => i && group !== undefined)], found[0]);
    at = found.index + found[0].length;
  }
  add(null, text.slice(at));
  return all;
}

function lines(all, from, to, line) {
  return h("pre", { class: "code", tabindex: "0", "aria-label": `Lines ${from} to ${to}` },
    all.slice(from - 1, to).map((pieces, i) => h("span", { class: from + i === line ? "line line-at" : "line" },
      h("span", { class: "line-number", "aria-hidden": "true" }, String(from + i)),
      h("span", { class: "line-text" }, pieces.length ? pieces.map(([kind, text]) => kind ? h("span", { class: `py-${kind}` }, text) : text) : " "))));
}

// The lines around one. It fills itself when they are there; bad marks the line as where it failed.
export function excerpt(deployment, file, line, { around = 3, bad = false } = {}) {
  const caption = h("figcaption", null, h("code", null, `${file}:${line}`));
  const figure = h("figure", { class: bad ? "excerpt excerpt-bad" : "excerpt" }, caption);
  if (!deployment || !file || !line) return figure;
  sourceOf(deployment, file).then(all => {
    if (!all || line > all.length) return;
    const from = Math.max(1, line - around), to = Math.min(all.length, line + around);
    figure.append(lines(all, from, to, line));
  });
  return figure;
}

// All files of a deployment, one of them shown.
export function browser(deployment, names) {
  const place = h("div");
  const select = h("select", { "aria-label": "File" }, names.map(name => h("option", { value: name }, name)));
  async function show() {
    const all = await sourceOf(deployment, select.value);
    replace(place, all ? lines(all, 1, all.length, 0) : h("p", { class: "faint" }, "This file cannot be shown."));
  }
  select.addEventListener("change", show);
  const python = names.find(name => name.endsWith(".py"));
  if (python) select.value = python;
  if (names.length) show();
  return h("div", { class: "browser" }, select, place);
}
