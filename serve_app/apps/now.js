// Who is at work now, and what that holds in memory.
"use strict";

function bar(resources) {
  const whole = Math.max(resources.capacity_gb, resources.total_memory_gb, 0.1);
  const parts = resources.models.map((model, at) => {
    const part = el("span", `part tone${at % 6}${model.busy ? " busy" : ""}`);
    part.style.width = `${(100 * model.memory_gb) / whole}%`;
    part.title = `${model.model}: ${gb(model.memory_gb)}`;
    return part;
  });
  const box = el("div", "bar", ...parts);
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `${gb(resources.total_memory_gb)} of ${gb(resources.capacity_gb)} in use`);
  return box;
}

function figures(resources) {
  const figure = (value, what) => el("div", "figure", el("strong", "", value), el("span", "quiet", what));
  return el(
    "div",
    "figures",
    figure(String(resources.active_agents), "agents"),
    figure(gb(resources.total_memory_gb), `of ${gb(resources.capacity_gb)} memory`),
    figure(percent(Math.max(0, resources.memory_saved_ratio)), `saved against ${gb(resources.all_roles_memory_gb)}`),
    figure(String(resources.turns_waiting), "turns waiting"),
  );
}

function sessionRow(session) {
  return el(
    "li",
    "",
    el("div", "line", el("span", "badge", words(session.task_category)), el("span", "quiet", running(session.uptime_seconds))),
    el("div", "task", session.task_description),
    el("div", "chips", ...session.active_agents.map((role) => el("span", "chip", words(role)))),
  );
}

function atWork(sessions) {
  return sessions.length
    ? el("ul", "sessions", ...sessions.map(sessionRow))
    : el("p", "quiet", "Nobody is at work. Create a session to start a team.");
}

// Draws what is known: not every tool that opens this view tells of both.
function draw(sessions, resources) {
  show(
    resources ? figures(resources) : null,
    resources ? bar(resources) : null,
    sessions ? atWork(sessions) : null,
    resources?.simulated ? el("p", "quiet", "Simulated models: sizes and times come from a simulator.") : null,
    host.canCall ? null : el("p", "quiet", "This client does not let views look further."),
  );
}

begin((result) => {
  const told = result.structuredContent ?? {};
  const resources = told.resources ?? (told.capacity_gb === undefined ? null : told);
  if (told.sessions || resources || !host.canCall) draw(told.sessions, resources);
  if (!host.canCall) return;
  keepLooking(async () => {
    const [open, all] = await Promise.all([tool("list_active_sessions"), tool("resource_summary")]);
    draw(open.sessions, all);
  });
});
