// The server's API, and its stream of changes. Every request goes to where the page came from.

import { ask } from "./dom.js";

const BASE = "/api/v1";
let token = null;
try { token = sessionStorage.getItem("ak.token"); } catch { /* storage is off */ }

class Refused extends Error {
  constructor(status, code, words) {
    super(words);
    this.status = status;
    this.code = code;
  }
}

function headers(more) {
  return { ...more, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
}

let asking = null;
// One question, however many requests were refused.
function askToken(words) {
  asking ||= ask({ title: "Token", words: `${words}. It is what AK_TOKEN, or the setting serve.token, says on the server.`,
                   fields: [{ name: "token", label: "Token", type: "password" }], yes: "Go on" })
    .then(given => {
      asking = null;
      if (!given) return false;
      token = given.token;
      try { sessionStorage.setItem("ak.token", token); } catch { /* it is kept until the page goes */ }
      return true;
    });
  return asking;
}

async function call(method, path, body) {
  for (;;) {
    let answer;
    try {
      answer = await fetch(BASE + path, { method, headers: headers(body === undefined ? {} : { "Content-Type": "application/json" }),
                                          body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
      throw new Refused(0, "away", "The server does not answer");
    }
    const said = await answer.json().catch(() => ({ error: `The server answered ${answer.status}` }));
    if (answer.ok) return said;
    if (answer.status === 401 && await askToken(said.error)) continue;
    throw new Refused(answer.status, said.code, said.error);
  }
}

export const get = (path, query) => {
  const given = Object.entries(query || {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return call("GET", path + (given.length ? "?" + new URLSearchParams(given) : ""));
};
export const post = (path, body) => call("POST", path, body);
export const put = (path, body) => call("PUT", path, body);
export const remove = path => call("DELETE", path);
export const part = encodeURIComponent;

// ---- What changes. EventSource cannot carry a token, so the stream is read by fetch.

const listeners = new Set();
let last = null;

// listener(event, data); "live" and "away" tell of the connection, "projects" of context.projects. Returns what ends it.
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function tell(event, data) {
  for (const listener of [...listeners]) listener(event, data);
}

function take(block) {
  let event = "message", data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("id: ")) last = line.slice(4);
    else if (line.startsWith("event: ")) event = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (data) tell(event, JSON.parse(data));
}

async function read() {
  const answer = await fetch(BASE + "/stream", { headers: headers({ Accept: "text/event-stream", ...(last ? { "Last-Event-ID": last } : {}) }) });
  if (answer.status === 401) {
    const said = await answer.json();
    await askToken(said.error);
    return;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  tell("live", null);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    blocks.forEach(take);
  }
}

export async function follow() {
  for (let tries = 0; ; tries++) {
    const begun = Date.now();
    try { await read(); } catch { /* told below */ }
    tell("away", null);
    if (Date.now() - begun > 10000) tries = 0;
    await new Promise(resolve => setTimeout(resolve, Math.min(500 * 2 ** tries, 10000)));
  }
}
