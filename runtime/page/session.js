// One session: what it did, where it stands, what can be done with it.

import { ask, badge, cut, empty, h, id, length, replace, stateOf, time, toast, waitWords } from "./dom.js";
import { get, listen, part, post, remove } from "./api.js";
import { boxOf, passed, picture } from "./picture.js";
import { excerpt } from "./source.js";
import { failure, Timeline, trace } from "./steps.js";

const isLive = s => s.state === "created" || s.state === "running";

export function session(main, context) {
  const name = context.args[0];
  let row = null, deployment = null, drawing = null, chart = null, next = 0, reading = false, again = false, over = false, noted = false;
  const head = h("div", { class: "head head-session" }), bad = h("div"), side = h("div", { class: "side" }), tail = h("div", { class: "tail", role: "status" });
  const body = h("div", { class: "session" });
  const timeline = new Timeline({ deployment: () => row && row.deployment_id, fork, picked: r => mark(r) });

  replace(main, h("p", { class: "back" }, h("a", { href: "#/sessions" }, "← Sessions")), head, bad, body);
  replace(body, h("section", { class: "timeline", "aria-label": "Steps" }, timeline.element, tail), side);

  // ---- What is shown

  function fact(label, value) { return value && [h("dt", null, label), h("dd", null, value)]; }

  // Made anew when its buttons or facts change, not with every record: who is on a button stays there.
  let headFor = null;
  function showHead() {
    const state = h("span", { class: "state" }, badge(stateOf(row))), now = `${isLive(row)} ${row.ended}`;
    if (headFor === now) return head.querySelector(".state").replaceWith(state);
    headFor = now;
    const project = context.projects.find(p => p.project_id === row.project_id);
    return replace(head, h("div", { class: "title" }, h("h1", null, row.entry), state), actions(),
      h("dl", { class: "facts" }, fact("Session", id(row.id)), fact("Project", project && project.name),
        fact("Started", time(row.created)), fact(row.ended ? "Took" : "Runs for", h("span", { id: "ran" }, length((row.ended || Date.now() / 1000) - row.created))),
        fact("Deployment", row.deployment_id && h("a", { href: `#/deployments/${row.deployment_id}` }, id(row.deployment_id))),
        fact("Event", row.event_id && h("a", { href: `#/events/${row.event_id}` }, id(row.event_id))),
        fact("Started by", row.parent_id && h("a", { href: `#/sessions/${row.parent_id}` }, id(row.parent_id)))));
  }

  function showFailure() {
    if (row.state !== "error" || !row.error) return replace(bad);
    if (bad.firstChild) return bad;
    const frames = row.error.traceback || [], last = frames.filter(f => !/^(\/|<)/.test(f.file)).pop();
    const [step, before] = timeline.lastSteps(), failed = step && timeline.isBad(step);
    const link = r => [h("button", { type: "button", class: "link", onclick: () => timeline.show(other => other === r) }, `step ${r.record.number}: ${r.record.name}`),
      r.record.arguments !== undefined && h("code", { class: "args" }, `(${cut(r.record.arguments, 200)})`)];
    const forks = (failed ? [before, step] : [step]).filter(Boolean);
    return replace(bad, h("section", { class: "failure", "aria-label": "Why it failed" },
      h("h2", null, failure(row.error)),
      last && h("p", { class: "where" }, "at ", h("code", null, `${last.file}:${last.line}`), " in ", h("code", null, last.name)),
      step && h("p", null, failed ? "It failed in " : "The last step was ", link(step)),
      last && excerpt(row.deployment_id, last.file, last.line, { bad: true, around: 4 }),
      forks.length > 0 && h("p", { class: "step-actions" }, forks.map((r, i) =>
        h("button", { type: "button", class: i === forks.length - 1 ? "primary" : "", onclick: () => fork(r.record.number) }, `Fork from step ${r.record.number}`)),
        h("span", { class: "faint" }, failed ? "does the failed step anew, or the one before it too" : "does that step anew, and what follows")),
      frames.length > 1 && h("details", null, h("summary", null, `Whole traceback, ${frames.length} frames`), trace(row.deployment_id, frames))));
  }

  function showTail() {
    const live = isLive(row);
    if (!live) return replace(tail);
    const wait = row.wait;
    replace(tail, h("p", { class: wait ? "now now-waits" : "now" }, h("i", { "aria-hidden": "true" }),
      wait ? waitWords(wait) : "running", h("span", { id: "left" })));
    count();
  }

  // The clocks of what runs; words, not requests.
  function count() {
    if (!row) return;
    const now = Date.now() / 1000, left = document.getElementById("left"), ran = document.getElementById("ran");
    if (left && row.wait) left.textContent = row.wait.until ? ` · ${length(row.wait.until - now)} left` : row.wait.since ? ` · for ${length(now - row.wait.since)}` : "";
    if (ran && isLive(row)) ran.textContent = length(now - row.created);
  }

  function showPicture() {
    const data = deployment && deployment.verdict && deployment.verdict.pictures && deployment.verdict.pictures[row.entry];
    drawing = data && data.nodes.length > 2 ? data : null;
    if (!drawing) return replace(side);
    chart = picture(drawing, row.entry, node => {
      if (!timeline.show(r => r.record.file === node.file && r.record.line >= node.line && r.record.line <= (node.end_line || node.line)))
        toast("It has not been there");
    });
    replace(side, h("section", { "aria-label": "Workflow" }, h("h2", null, "Workflow"),
      h("div", { class: "picture-box", tabindex: "0", role: "region", "aria-label": "Picture of the workflow" }, chart.element),
      h("p", { class: "legend" }, h("span", { class: "key key-seen" }, "done"), h("span", { class: "key key-now" }, "now"), h("span", { class: "key key-bad" }, "failed"))));
    mark();
  }

  // Where it has been, and where it is; or where the row is that was picked.
  function mark(picked) {
    if (!chart) return;
    const states = new Map();
    let last = -1;
    const place = r => r.file ? boxOf(drawing, r.file, r.line) : -1;
    states.set(0, "seen");
    for (const r of timeline.rows) {
      const box = place(r.record);
      if (box < 0) continue;
      states.set(box, timeline.isBad(r) ? "bad" : "seen");
      last = box;
    }
    if (!isLive(row)) {
      const end = drawing.nodes.findIndex(n => n.shape === "end" && n.label === "end");
      if (row.state === "completed" && end >= 0) states.set(end, "seen");
      const frames = row.error && row.error.traceback || [];
      if (row.state === "error") for (const f of frames) { const box = boxOf(drawing, f.file, f.line, true); if (box >= 0) states.set(box, "bad"); }
    } else if (last >= 0) {
      states.set(last, "now");
    }
    if (picked) { const box = place(picked.record); if (box >= 0 && states.get(box) !== "bad") states.set(box, "now"); }
    chart.mark(passed(drawing, states));
  }

  // ---- What can be done

  function actions() {
    const button = (label, fn, kind) => h("button", { type: "button", class: kind, onclick: fn }, label);
    return h("div", { class: "actions" }, isLive(row) && button("Stop", stop, "danger"), button("Restart", restart), button("Replay", replay), !isLive(row) && button("Delete", drop));
  }

  async function attempt(fn) {
    try { return await fn(); } catch (error) { toast(error.message, true); return null; }
  }

  async function stop() {
    const given = await ask({ title: "Stop this session?", words: "It ends where it stands. A step that runs is cut off; what it has recorded stays.",
      fields: [{ name: "reason", label: "Reason", help: "Kept in its record. May be empty." }], yes: "Stop it", danger: true });
    if (given && await attempt(() => post(`/sessions/${part(name)}/stop`, given.reason ? { reason: given.reason } : {}))) toast("Stopped");
  }

  async function fork(number) {
    const given = await ask({ title: `Fork from step ${number}?`, yes: "Fork",
      words: `A new session begins with the ${number === 1 ? "first record" : `first ${number} records`} of this one, and does the rest anew, now. This one stays as it is.` });
    const made = given && await attempt(() => post(`/sessions/${part(name)}/fork`, { from: number }));
    if (made) context.navigate(`#/sessions/${made.session_id}`);
  }

  async function restart() {
    const given = await ask({ title: "Restart?", words: "A new session begins with the same event. Nothing of this one is kept, every step is done anew.", yes: "Restart" });
    const made = given && await attempt(() => post(`/sessions/${part(name)}/restart`));
    if (made) context.navigate(`#/sessions/${made.session_id}`);
  }

  async function replay() {
    const given = await ask({ title: "Replay?", words: "The code runs again from this record, to see whether it still does the same. Nothing is executed, nothing is written.", yes: "Replay" });
    if (!given) return;
    toast("Replaying");
    const said = await attempt(() => post(`/sessions/${part(name)}/replay`));
    if (said) await ask({ title: said.replay[0].toUpperCase() + said.replay.slice(1), yes: "Close",
      words: h("div", null, h("p", null, `${said.records ?? 0} records were replayed.`), said.at && h("p", null, said.at), said.error && h("pre", { class: "value" }, failure(said.error)), said.output && h("pre", { class: "value" }, said.output)) });
  }

  async function drop() {
    const given = await ask({ title: "Delete this session?", words: "With all its records. This cannot be taken back.", yes: "Delete", danger: true });
    if (given && await attempt(() => remove(`/sessions/${part(name)}`))) context.navigate("#/sessions");
  }

  // ---- What comes

  async function readSteps() {
    for (;;) {
      const page = await get(`/sessions/${part(name)}/steps`, { from: next, limit: 500 });
      if (over) return;
      timeline.add(page.items);
      next = page.next;
      if (page.items.length < 500) return;
    }
  }

  // The row first: what was recorded before its end is there when the end is shown.
  async function refresh() {
    if (reading) { again = true; return; }
    reading = true;
    try {
      do {
        again = false;
        row = await get(`/sessions/${part(name)}`);
        await readSteps();
      } while (again && !over);
      if (!over) show();
    } catch (error) {
      if (!over) failed(error);
    }
    reading = false;
  }

  function failed(error) {
    if (error.status === 404) replace(main, empty("There is no such session", "It may have been deleted.", "ak session list"));
    else toast(error.message, true);
  }

  function show() {
    showHead();
    showFailure();
    showTail();
    mark();
    if (!noted) {
      noted = true;
      document.title = `${row.entry} · ak`;
      loadPicture();
    }
  }

  async function loadPicture() {
    if (!row.deployment_id) return;
    try {
      deployment = await get(`/deployments/${part(row.deployment_id)}`);
      if (!over) showPicture();
    } catch { /* without a picture, then */ }
  }

  refresh();
  const clock = setInterval(count, 1000);
  const stopListening = listen((event, data) => {
    if ((event === "session" && data.id === name) || event === "reset" || event === "live") refresh();
  });
  return () => {
    over = true;
    clearInterval(clock);
    stopListening();
  };
}
