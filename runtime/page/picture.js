// The picture of a workflow, drawn from its boxes and arrows: layers from top to bottom, arrows that
// go back at the left.

import { cut, svg } from "./dom.js";

const GAP_X = 22, GAP_Y = 40, HEIGHT = 34, CHAR = 6.7, LONGEST = 34;

const WORDS = { start: "starts", end: "ends", activity: "step", timer: "timer", child: "session", wait: "wait", choice: "choice", loop: "loop", try: "try", command: "command", call: "call" };

// Layer by layer: a box stands below all that lead to it. Arrows back (loops) do not count.
function layersOf(picture) {
  const forward = picture.edges.filter(e => e.to > e.from), layer = picture.nodes.map(() => 0);
  for (const e of forward.slice().sort((a, b) => a.from - b.from)) layer[e.to] = Math.max(layer[e.to], layer[e.from] + 1);
  return layer;
}

// Boxes, and a thin stand-in on each layer that a long arrow crosses.
function place(picture) {
  const layer = layersOf(picture), rows = [], items = [], links = [];
  const add = (at, item) => { (rows[at] ||= []).push(item); items.push(item); return item; };
  const boxes = picture.nodes.map((node, i) => {
    const label = cut(node.label, LONGEST);
    const wide = node.shape === "choice" || node.shape === "loop" ? 34 : 22;
    return add(layer[i], { node, i, label, width: Math.max(54, label.length * CHAR + wide), up: [] });
  });
  for (const e of picture.edges) {
    const path = [boxes[e.from]];
    if (e.to > e.from)
      for (let l = layer[e.from] + 1; l < layer[e.to]; l++) path.push(add(l, { width: 6, up: [] }));
    path.push(boxes[e.to]);
    if (e.to > e.from) for (let k = 1; k < path.length; k++) path[k].up.push(path[k - 1]);
    links.push({ e, path });
  }
  return { rows, items, links, boxes };
}

const middle = item => item.x + item.width / 2;

// As near to the mean of what leads there as the neighbours let it.
function arrange({ rows }) {
  for (const row of rows) {
    for (const item of row) item.want = item.up.length ? item.up.reduce((sum, u) => sum + middle(u), 0) / item.up.length : 0;
    row.sort((a, b) => a.want - b.want || (a.i ?? 0) - (b.i ?? 0));
    const total = row.reduce((sum, item) => sum + item.width + GAP_X, -GAP_X);
    const mean = row.reduce((sum, item) => sum + item.want, 0) / row.length;
    let x = mean - total / 2;
    for (const item of row) {
      item.x = Math.max(x, item.want - item.width / 2);
      x = item.x + item.width + GAP_X;
    }
    let right = Infinity;
    for (const item of row.slice().reverse()) {
      const want = item.want - item.width / 2;
      if (item.x > want) item.x = Math.max(want, Math.min(item.x, right - item.width));
      right = item.x - GAP_X;
    }
    // What was moved left may touch its neighbour: once more to the right.
    let left = -Infinity;
    for (const item of row) {
      item.x = Math.max(item.x, left);
      left = item.x + item.width + GAP_X;
    }
  }
}

function shape(item) {
  const { x, width: w } = item, y = item.y, hh = HEIGHT / 2;
  switch (item.node.shape) {
    case "start": case "end": return svg("rect", { x, y, width: w, height: HEIGHT, rx: hh });
    case "timer": case "wait": return svg("rect", { x, y, width: w, height: HEIGHT, rx: 11 });
    case "choice": case "loop":
      return svg("path", { d: `M${x + 12} ${y}H${x + w - 12}L${x + w} ${y + hh}L${x + w - 12} ${y + HEIGHT}H${x + 12}L${x} ${y + hh}Z` });
    default: return svg("rect", { x, y, width: w, height: HEIGHT, rx: 5 });
  }
}

function curve(points) {
  let d = `M${points[0][0]} ${points[0][1]}`;
  for (let k = 1; k < points.length; k++) {
    const [x0, y0] = points[k - 1], [x1, y1] = points[k], bend = (y1 - y0) / 2;
    d += `C${x0} ${y0 + bend} ${x1} ${y1 - bend} ${x1} ${y1}`;
  }
  return d;
}

function arrow({ e, path }, left) {
  const from = path[0], to = path[path.length - 1];
  let d, at;
  if (e.to > e.from) {
    const points = [];
    path.forEach((item, k) => {
      if (k > 0) points.push([middle(item), item.y - (item === to ? 3 : 0)]);
      if (k < path.length - 1) points.push([middle(item), item.y + HEIGHT]);
    });
    d = curve(points);
    // Beside the arrow, on the side that it leads to; a straight one's at the left.
    const dx = points[1][0] - points[0][0];
    at = dx > 4 ? [points[0][0] + dx * 0.8 + 8, points[0][1] + 18] : [points[0][0] + dx * 0.8 - 7, points[0][1] + 18, "end"];
  } else {
    const x0 = from.x, y0 = from.y + HEIGHT / 2, x1 = to.x - 3, y1 = to.y + HEIGHT / 2, out = left - 14;
    d = e.to === e.from ? `M${x0} ${y0 - 6}C${x0 - 30} ${y0 - 12} ${x0 - 30} ${y0 + 12} ${x1} ${y0 + 6}`
      : `M${x0} ${y0}C${out} ${y0} ${out} ${y0} ${out} ${y0 - 12}V${y1 + 12}C${out} ${y1} ${out} ${y1} ${x1} ${y1}`;
    at = [out + 4, (y0 + y1) / 2];
  }
  return [svg("path", { class: e.to > e.from ? "arrow" : "arrow arrow-back", d, "marker-end": "url(#tip)" }),
    e.label && svg("text", { class: `arrow-label${at[2] ? " arrow-label-end" : ""}`, x: at[0], y: at[1] }, e.label)];
}

// Gives {element, mark}: mark(i → "seen", "now", "bad") shows where a session is. chosen(node) on a click.
export function picture(data, name, chosen) {
  const placed = place(data);
  arrange(placed);
  placed.rows.forEach((row, l) => row.forEach(item => { item.y = l * (HEIGHT + GAP_Y); }));
  const left = Math.min(...placed.items.map(i => i.x)), right = Math.max(...placed.items.map(i => i.x + i.width));
  const back = placed.links.some(l => l.e.to <= l.e.from) ? 46 : 0;
  const width = right - left + back + 16, height = placed.rows.length * (HEIGHT + GAP_Y) - GAP_Y + 12;
  const groups = placed.boxes.map(item => {
    const words = `${WORDS[item.node.shape]}: ${item.node.label}, ${item.node.file}:${item.node.line}`;
    const pick = () => chosen && chosen(item.node);
    return svg("g", { class: `box box-${item.node.shape}`, tabindex: chosen ? "0" : undefined, role: chosen ? "button" : "img", "aria-label": words, onclick: pick,
                      onkeydown: event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(); } } },
      svg("title", null, words), shape(item), svg("text", { x: middle(item), y: item.y + HEIGHT / 2 + 4 }, item.label));
  });
  const element = svg("svg", { class: "picture", viewBox: `${left - back - 8} -6 ${width} ${height}`, width, height, role: "group", "aria-label": `Picture of ${name}` },
    svg("defs", null, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { class: "tip", d: "M0 0.5L7.5 4L0 7.5Z" }))),
    placed.links.map(link => arrow(link, left)), groups);
  return {
    element,
    mark(states) {
      groups.forEach((group, i) => {
        group.classList.toggle("box-seen", states.get(i) === "seen");
        group.classList.toggle("box-now", states.get(i) === "now");
        group.classList.toggle("box-bad", states.get(i) === "bad");
      });
    },
  };
}

// Choices and loops have no record of their own: they were passed where a box behind them was reached.
export function passed(data, states) {
  for (const e of data.edges.filter(e => e.to > e.from).sort((a, b) => b.from - a.from))
    if (states.has(e.to) && !states.has(e.from) && ["choice", "loop", "try"].includes(data.nodes[e.from].shape)) states.set(e.from, "seen");
  return states;
}

// Which box a line belongs to: the smallest one that does something there, or, when it failed there, raises.
export function boxOf(data, file, line, failed = false) {
  const doing = new Set(["activity", "timer", "wait", "child", "command", "call"]);
  let best = -1, size = Infinity;
  data.nodes.forEach((node, i) => {
    const end = node.end_line || node.line;
    const fits = doing.has(node.shape) || failed && node.shape === "end" && node.label !== "end";
    if (!fits || node.file !== file || line < node.line || line > end) return;
    if (end - node.line < size) { best = i; size = end - node.line; }
  });
  return best;
}
