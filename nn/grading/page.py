"""The result of grading as one offline page."""

from __future__ import annotations

import html
from collections.abc import Sequence

from autograd.notebook import folded, preformatted, table

from .marks import Mark

__all__ = ["page"]

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}summary{cursor:pointer}"
)


def page(marks: Sequence[Mark], title: str) -> str:
    """Return a page with a table of marks and the report on each submission."""
    rows = [(mark.name, f"{mark.right} of {mark.total}", f"{mark.share:.0%}", mark.finding) for mark in marks]
    reports = "".join(
        folded(f"{mark.name}: {mark.right} of {mark.total}", preformatted(mark.text or mark.finding)) for mark in marks
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{html.escape(title)}</h1>{table(('submission', 'right arrays', 'share', 'finding'), rows)}"
        f"<h2>Reports</h2>{reports}</body></html>\n"
    )
