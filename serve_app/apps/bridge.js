// The line to the client that shows this document: JSON-RPC by postMessage, as MCP Apps have it (2026-01-26).
// Text from the server is only ever put in as text.
"use strict";

const LOOK_EVERY_MS = 3000;
const host = (() => {
  const waiting = new Map();
  const heard = {};
  let last = 0;
  const post = (message) => parent.postMessage({ jsonrpc: "2.0", ...message }, "*");

  addEventListener("message", ({ source, data }) => {
    if (source !== parent || !data || data.jsonrpc !== "2.0") return;
    if (data.method === undefined) {
      const pending = waiting.get(data.id);
      waiting.delete(data.id);
      if (pending) data.error ? pending.reject(new Error(data.error.message)) : pending.resolve(data.result);
    } else if (data.id === undefined) {
      (heard[data.method] ?? (() => {}))(data.params ?? {});
    } else if (data.method === "ping") {
      post({ id: data.id, result: {} });
    } else if (data.method === "ui/resource-teardown") {
      heard.teardown?.();
      post({ id: data.id, result: {} });
    } else {
      post({ id: data.id, error: { code: -32601, message: "not known here" } });
    }
  });

  const ask = (method, params) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, { resolve, reject });
      post({ id, method, params });
    });
  return { ask, tell: (method, params) => post({ method, params }), on: (method, act) => (heard[method] = act) };
})();

async function tool(name, args = {}) {
  const result = await host.ask("tools/call", { name, arguments: args });
  if (result.isError) throw new Error(wordsOf(result));
  return result.structuredContent;
}

function wordsOf(result) {
  const text = result.content?.[0]?.text || "The call failed.";
  try {
    const { error } = JSON.parse(text);
    return [error.message, error.hint].filter(Boolean).join(" ");
  } catch {
    return text;
  }
}

function el(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const gb = (value) => `${value.toFixed(1)} GB`;
const words = (name) => name.replaceAll("_", " ");
const percent = (ratio) => `${Math.round(ratio * 100)} %`;
// As `formats.duration` writes it: 4.2s, 45s, 5m 23s, 2h 4m.
function span(seconds) {
  const tenths = Math.round(seconds * 10) / 10;
  if (seconds < 9.95 && !Number.isInteger(tenths)) return `${tenths.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (whole < 60) return `${whole}s`;
  return whole < 3600 ? `${minutes}m ${whole % 60}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
// What still runs: in whole seconds, as the monitor writes it.
const running = (seconds) => span(Math.floor(seconds));

// Shows the parts. Of what is shown already only what differs is touched: a turn somebody has opened stays open, words
// somebody has selected stay selected, the keyboard stays where it is. A part that is not there keeps its place.
function show(...parts) {
  follow(document.getElementById("view"), el("main", "", ...parts.map((part) => part ?? el("span"))));
}

function follow(shown, made) {
  const old = [...shown.childNodes];
  const now = [...made.childNodes];
  now.forEach((child, at) => {
    if (!old[at]) shown.append(child);
    else if (!isSame(old[at], child)) old[at].replaceWith(child);
    else if (child.nodeType === Node.ELEMENT_NODE) become(old[at], child);
    else if (old[at].data !== child.data) old[at].data = child.data;
  });
  old.slice(now.length).forEach((child) => child.remove());
}

const isSame = (old, made) => old.nodeName === made.nodeName && old.dataset?.key === made.dataset?.key;

function become(old, made) {
  for (const { name, value } of made.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const name of old.getAttributeNames()) {
    if (name !== "open" && !made.hasAttribute(name)) old.removeAttribute(name); // a reader opens <details>, we never do
  }
  follow(old, made);
}

function dress({ theme, styles, safeAreaInsets }) {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  for (const [name, value] of Object.entries(styles?.variables ?? {})) if (value) root.style.setProperty(name, value);
  for (const [side, px] of Object.entries(safeAreaInsets ?? {})) root.style.setProperty(`--inset-${side}`, `${px}px`);
}

// Looks again until `look` answers false, the document is hidden, or the client takes it away.
async function keepLooking(look) {
  let goesOn = true;
  host.on("teardown", () => (goesOn = false));
  while (goesOn) {
    try {
      goesOn = (await look()) !== false && goesOn;
      document.body.classList.remove("stale");
    } catch (error) {
      document.body.classList.add("stale");
      document.body.dataset.trouble = error.message;
    }
    if (goesOn) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    while (goesOn && document.hidden) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

// Begins: `first(result, args)` is given what the tool has answered. Only that one: a client may tell of the view's own
// calls by the same notifications.
async function begin(first) {
  let args = {};
  let begun = false;
  const once = (act) => (params) => {
    if (begun) return;
    begun = true;
    act(params);
  };
  host.on("ui/notifications/tool-input", (params) => begun || (args = params.arguments ?? {}));
  host.on(
    "ui/notifications/tool-result",
    once((result) => (result.isError ? show(el("p", "trouble", wordsOf(result))) : first(result, args))),
  );
  host.on("ui/notifications/tool-cancelled", once(() => show(el("p", "quiet", "The call was cancelled."))));
  host.on("ui/notifications/host-context-changed", dress);
  const told = await host.ask("ui/initialize", {
    protocolVersion: "2026-01-26",
    appInfo: { name: "delegator", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline"] },
  });
  dress(told.hostContext ?? {});
  host.canCall = Boolean(told.hostCapabilities?.serverTools);
  host.tell("ui/notifications/initialized", {});
  tellSize();
}

// The height is what the view takes, not the frame's own, which it would never let shrink; the width is the frame's.
function tellSize() {
  let last = "";
  new ResizeObserver(() => {
    const size = { width: innerWidth, height: Math.ceil(document.documentElement.getBoundingClientRect().height) };
    if (JSON.stringify(size) === last) return;
    last = JSON.stringify(size);
    host.tell("ui/notifications/size-changed", size);
  }).observe(document.body);
}
