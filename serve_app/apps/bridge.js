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
  const text = result.content?.[0]?.text ?? "";
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
function span(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function show(...children) {
  document.getElementById("view").replaceChildren(...children.filter(Boolean));
}

function dress({ theme, styles }) {
  if (theme) document.documentElement.dataset.theme = theme;
  for (const [name, value] of Object.entries(styles?.variables ?? {})) {
    if (value) document.documentElement.style.setProperty(name, value);
  }
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

// Begins: `first(result, args)` is given what the tool has answered.
async function begin(first) {
  let args = {};
  host.on("ui/notifications/tool-input", (params) => (args = params.arguments ?? {}));
  host.on("ui/notifications/tool-result", (params) => first(params, args));
  host.on("ui/notifications/tool-cancelled", () => show(el("p", "quiet", "The call was cancelled.")));
  host.on("ui/notifications/host-context-changed", dress);
  const told = await host.ask("ui/initialize", {
    protocolVersion: "2026-01-26",
    appInfo: { name: "delegator", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline"] },
  });
  dress(told.hostContext ?? {});
  host.canCall = Boolean(told.hostCapabilities?.serverTools);
  host.tell("ui/notifications/initialized", {});
  new ResizeObserver(() => {
    const { scrollWidth: width, scrollHeight: height } = document.documentElement;
    host.tell("ui/notifications/size-changed", { width, height });
  }).observe(document.body);
}
