"""Tags in front of a text ('fix: …', '[Bug] …', 'Question: …') and the type of task they declare.

Whoever writes a tag has sorted the task already, so a tag outweighs the verb behind it. Names of components in the same
place ('parser: …') have no row and say nothing.
"""

from __future__ import annotations

from delegator.analysis.lexicon import Signals

TAGS: tuple[Signals, ...] = (
    Signals("bug_fix", 2.5, "bug, bug report, fix, bugfix, hotfix, defect, regression, crash"),
    Signals("feature_development", 3.0, "feat, feature, feature request, enhancement, proposal"),
    Signals("feature_development", 3.0, "rfc, new feature, story, user story"),
    Signals("refactoring", 3.0, "refactor, refactoring, perf, performance, style, cleanup, clean up, tech debt"),
    Signals("testing", 2.5, "test, qa, testing"),
    Signals("documentation", 3.0, "docs, doc, documentation, readme, changelog"),
    Signals("deployment", 2.5, "ci, cd, build, deploy, deployment, release, deps, dependency"),
    Signals("architecture", 3.0, "architecture, adr, design doc, system design"),
    Signals("ui_design", 2.5, "ui, ux, design, mockup"),
    Signals("operations", 3.0, "ops, operations, incident, outage, maintenance, alert"),
    Signals("strategic_planning", 3.0, "strategy, planning, roadmap, okr, board"),
    Signals("hr", 3.0, "hr, people, hiring, job opening, vacancy"),
    Signals("general", 3.0, "question, help, discussion, support question, q"),
)
