"""Pages in one file that ask nobody for anything: what their policy allows, and how a notebook shows them."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import ClassVar

__all__ = ["Page", "allowed"]


class Page(str):
    """The text of a page; a notebook shows it in a sandboxed frame."""

    __slots__ = ()

    sandbox: ClassVar[str] = ""
    heading: ClassVar[str] = "deltagrad"
    height: ClassVar[int] = 560

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self)}" sandbox="{self.sandbox}" title="{self.heading}" width="100%" '
            f'height="{self.height}" frameborder="0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} characters; viz.save writes it to a file>"


def allowed(text: str) -> str:
    """Return what a Content-Security-Policy says to allow one script or one style with this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"
