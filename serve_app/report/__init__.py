"""A report over some days, to keep or to send: one HTML page with charts, and a table as CSV.

Pure: takes replies of the operations, returns text. How they are fetched and where the text goes is
`serve_app/cli/report.py`. From the inside out: `charts` (SVG), `page` (HTML), `table` (CSV).
"""

from __future__ import annotations

from serve_app.report.page import Report, html_of
from serve_app.report.table import csv_of

__all__ = ["Report", "csv_of", "html_of"]
