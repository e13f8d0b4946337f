"""What the first verb of a request says about the type of task.

The verb that opens a request names the work itself, so it weighs more here than the same word further on. Verbs that
say little alone (add, create, write, update) weigh little: their objects decide, in the other tables.
"""

from __future__ import annotations

from delegator.analysis.lexicon import Signals

LEADING_VERBS: tuple[Signals, ...] = (
    # ── bug fix: something is not as it should be ──
    Signals("bug_fix", 3.0, "fix, bugfix, hotfix, debug, fix up, mend, bug, regression, crash, crash when, failure"),
    Signals("bug_fix", 2.5, "resolve, correct, repair, troubleshoot, work around, workaround, unbreak, solve"),
    Signals("bug_fix", 2.2, "prevent, avoid, do not, don't, never"),
    Signals("bug_fix", 2.2, "stop, guard, guard against, suppress, fall back to"),
    Signals("bug_fix", 1.8, "ignore, respect, handle, ensure, make sure"),
    Signals("bug_fix", 1.8, "restore, allow for, escape, sanitize, revert"),
    Signals("bug_fix", 1.2, "diagnose, investigate, check for, preserve, properly"),
    Signals("bug_fix", 1.2, "correctly, wait for, retry, reset"),
    Signals("bug_fix", 1.5, "can't, cannot, unable to, doesn't, does not, not, no longer, missing, wrong, incorrect"),
    Signals("bug_fix", 1.5, "add missing, handle missing, use correct, use right, set correct, fix missing"),
    # ── feature: something new can be done ──
    Signals("feature_development", 3.0, "implement, introduce, add support, support, feature request, feature, feat"),
    Signals("feature_development", 2.5, "allow, enable, make it possible, provide"),
    Signals("feature_development", 2.5, "expose, offer, integrate, add ability"),
    Signals("feature_development", 2.0, "extend, build, develop, let"),
    Signals("feature_development", 2.0, "let user, add option, add new, program, code"),
    Signals("feature_development", 1.5, "add, create, show, display, include, accept"),
    Signals("feature_development", 1.5, "generate, print, emit, autodetect, detect"),
    Signals("feature_development", 1.5, "proposal, rfc, request, suggestion, idea"),
    Signals("feature_development", 1.5, "wish, consider, enhancement, enhance"),
    Signals("feature_development", 1.0, "make, new, return, pass, send"),
    Signals("feature_development", 1.0, "notify, parse, option to, ability to, automatically"),
    # ── refactoring: the same, better made ──
    Signals("refactoring", 4.0, "refactor, refactoring, clean up, cleanup, tidy, tidy up, perf"),
    Signals("refactoring", 3.0, "rename, simplify, restructure, reorganize"),
    Signals("refactoring", 3.0, "deduplicate, dedupe, decouple, modularize"),
    Signals("refactoring", 2.8, "extract, move, relocate, inline, split"),
    Signals("refactoring", 2.8, "consolidate, unify, factor out, optimize, reuse"),
    Signals("refactoring", 2.5, "speed up, streamline, modernize, rewrite, rework"),
    Signals("refactoring", 2.5, "abstract, encapsulate, convert, port"),
    Signals("refactoring", 2.2, "remove unused, remove dead, remove unnecessary"),
    Signals("refactoring", 2.2, "drop unused, get rid of, delete unused"),
    Signals("refactoring", 1.8, "remove, replace, switch to, switch, reduce"),
    Signals("refactoring", 1.8, "lint, format, reformat, delete, eliminate"),
    Signals("refactoring", 1.5, "use, migrate, improve, merge, drop"),
    Signals("refactoring", 1.5, "separate, cache, lazy load, memoize, precompute"),
    Signals("refactoring", 1.5, "change, adjust, tweak, isolate, group"),
    Signals("refactoring", 1.5, "sort, reorder, reformulate, deprecate, prefer"),
    Signals("refactoring", 1.0, "make use of, upgrade, convert to, flatten, minify, transform, adapt, unexport"),
    # ── testing ──
    Signals("testing", 3.2, "test, retest, smoke test, load test, stress test"),
    Signals("testing", 3.2, "regression test, unit test, fuzz, test that"),
    Signals("testing", 2.2, "cover, verify, assert, mock, benchmark, qa, validate that, try out, stub, parametrize"),
    Signals("testing", 1.2, "validate, check, measure, simulate, reproduce, compare"),
    # ── documentation ──
    Signals("documentation", 3.2, "document, describe, docs, doc, clarify"),
    Signals("documentation", 3.2, "proofread, reword, rephrase, readme, translate"),
    Signals("documentation", 2.5, "explain how, mention, note, annotate, transcribe"),
    Signals("documentation", 2.5, "spell, explain in, write up, cite"),
    Signals("documentation", 1.5, "explain, summarize, illustrate, outline, edit"),
    Signals("documentation", 1.5, "write, note that, list, draft, publish doc"),
    Signals("documentation", 0.8, "correct, update, fix link, point to, link, link to, remove reference"),
    # ── deployment: getting it there ──
    Signals("deployment", 4.0, "deploy, redeploy, roll out, rollout"),
    Signals("deployment", 4.0, "ship, release version, go live, push to production"),
    Signals("deployment", 3.0, "release, roll back, rollback, bump, dockerize"),
    Signals("deployment", 3.0, "containerize, ci, build system, cut release"),
    Signals("deployment", 2.5, "publish, pin, unpin, package, promote"),
    Signals("deployment", 2.5, "provision, run on, tag, cherry pick, update dependency"),
    Signals("deployment", 1.2, "upgrade, update to, run, skip, install, enable build"),
    Signals("deployment", 1.2, "pull, push, trigger, automate, set"),
    # ── operations: keeping it running ──
    Signals("operations", 3.0, "rotate, restart, reboot, decommission, procure"),
    Signals("operations", 3.0, "back up, renew, re order, reorder stock"),
    Signals("operations", 2.5, "monitor, purchase, administer, maintain"),
    Signals("operations", 2.5, "audit access, restock, schedule maintenance, oversee"),
    Signals("operations", 2.0, "order, buy, configure, archive, inventory"),
    Signals("operations", 2.0, "patch, troubleshoot, escalate, dispatch, supervise"),
    Signals("operations", 1.2, "set up, install, check on, inspect, scale up"),
    Signals("operations", 1.2, "scale, clean, reset password, organize, repair"),
    # ── strategy ──
    Signals("strategic_planning", 3.0, "acquire, invest, divest, forecast, budget"),
    Signals("strategic_planning", 3.0, "pitch, strategize, expand into, merge with"),
    Signals("strategic_planning", 2.2, "plan, decide, decide whether, prioritize, negotiate"),
    Signals("strategic_planning", 2.2, "partner, preside, represent, set goal"),
    Signals("strategic_planning", 1.5, "approve, formulate, propose, evaluate whether"),
    Signals("strategic_planning", 1.5, "define strategy, allocate, direct, advise"),
    Signals("strategic_planning", 1.0, "evaluate, define, expand, establish, identify"),
    Signals("strategic_planning", 1.0, "coordinate, recommend, assess, analyze"),
    Signals("strategic_planning", 0.8, "develop plan, manage, lead, nominate, appoint"),
    Signals("strategic_planning", 0.8, "delegate, promote, organize, review"),
    # ── architecture and interface: both are designed, so their objects must tell them apart ──
    Signals("architecture", 3.5, "architect, re architect, rearchitect"),
    Signals("architecture", 1.5, "design, model, conceive, specify, partition, shard, design system, choose between"),
    Signals("ui_design", 3.0, "sketch, wireframe, mock up, mockup, restyle"),
    Signals("ui_design", 3.0, "prototype, redesign, storyboard, lay out"),
    Signals("ui_design", 1.6, "design, style, theme, animate, illustrate, draw, polish, align, beautify"),
    # ── people ──
    Signals("hr", 4.0, "hire, recruit, interview, headhunt, lay off, onboard"),
    Signals("hr", 2.5, "coach, mentor, appraise, dismiss, let go, reward, staff, fire, train, counsel, welcome"),
    # ── neither: a question is answered, nothing is built ──
    Signals("general", 2.5, "how to, how do, how does, how can, how could"),
    Signals("general", 2.5, "what is, what are, question, help"),
    Signals("general", 2.2, "what, why, where, which, who, when do"),
    Signals("general", 2.2, "is there, are there, is it possible, does anyone, any"),
    Signals("general", 1.6, "can i, can we, could i, does, do, is, are"),
    Signals("general", 1.6, "has anyone, i have, i am, i'm, my, about, need help"),
    Signals("general", 0.8, "how should, how should we, which should we, what should we"),
    Signals("general", 1.5, "clarification, confused, understanding, difference between"),
    Signals("general", 1.5, "usage of, regarding, tell me"),
)
