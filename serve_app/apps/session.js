// One session: its team, who speaks, the conversation so far, what it has saved.
"use strict";

const OPEN = ["starting", "active"];

function head(session) {
  return el(
    "header",
    "",
    el(
      "div",
      "line",
      el("span", "badge", words(session.task_category)),
      el("span", `status ${session.status}`, session.status),
      el("span", "quiet", (OPEN.includes(session.status) ? running : span)(session.duration_seconds)),
    ),
    el("div", "task", session.task_description),
  );
}

// What happens now, in one line; the only one that is read out when it changes.
function doing(session, speaker, task) {
  const line = el("p", "doing", session.question?.question ?? (speaker ? spoken(speaker, task) : ""));
  line.setAttribute("aria-live", "polite");
  return line;
}

function spoken(speaker, task) {
  if (task.waiting_for) return `${words(speaker)} waits for ${task.waiting_for}`;
  return `${words(speaker)} speaks (turn ${task.turns_done + 1} of ${task.turns_total})`;
}

function team(session, task) {
  const speaker = task && !task.ended_at ? task.current_role : null;
  const chips = session.active_agents.map((role) => el("span", role === speaker ? "chip speaking" : "chip", words(role)));
  return el("section", "", el("div", "chips", ...chips), doing(session, speaker, task));
}

function conversation(task) {
  if (!task) return null;
  const turns = task.replies.map((turn) => {
    const text = el("details", "", el("summary", "", el("b", "", words(turn.role)), ` ${turn.text.slice(0, 120)}`), el("p", "", turn.text));
    return el("li", "", text);
  });
  const list = el("ol", "turns", ...turns);
  list.dataset.key = task.task_id; // what was opened in one task is not open in the next
  const answer = task.answer ? el("section", "answer", el("h2", "", "Answer"), el("p", "", task.answer)) : null;
  const error = task.error ? el("p", "trouble", `${task.error.message} ${task.error.hint}`) : null;
  return el("section", "", turns.length ? list : null, answer, error);
}

function receipt(session) {
  const used = session.resources_used;
  if (!used) return null;
  return el(
    "p",
    "quiet",
    `Used ${gb(used.peak_gb)} at most of ${gb(used.all_roles_gb)} for all roles: ` +
      `${percent(Math.max(0, used.memory_saved_ratio))} of the memory saved.`,
  );
}

async function look(sessionId) {
  const session = await tool("get_session", { session_id: sessionId });
  const newest = session.tasks.reduce((a, b) => (a && a.created_at >= b.created_at ? a : b), null);
  const task = newest ? await tool("get_task", { task_id: newest.task_id }) : null;
  show(
    head(session),
    team(session, task),
    conversation(task),
    receipt(session),
    session.simulated ? el("p", "quiet", "Simulated models: no language model spoke.") : null,
  );
  return OPEN.includes(session.status);
}

begin((result, args) => {
  const sessionId = result.structuredContent?.session_id ?? args.session_id;
  if (!sessionId) return show(el("p", "quiet", "No session was named."));
  if (!host.canCall) return show(el("p", "quiet", `Session ${sessionId}: this client does not let views look further.`));
  return keepLooking(() => look(sessionId));
});
