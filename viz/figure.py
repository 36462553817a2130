"""The picture that `draw` and its siblings return, and what lays it out.

SVG is laid out here, the same on every machine and in the reader's theme; PNG and PDF are made from it by the package
typst. Other formats, and pictures that were changed as a Digraph, are laid out by the `dot` program, as are PNG and PDF
where it is installed and typst is not.
"""

from __future__ import annotations

import functools
import hashlib
import html
import itertools
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import graphviz

from autograd.files import written

from .diagram import Diagram
from .dot import fill
from .export import EXPORTED, can_export, exported
from .offline import allowed
from .palette import DARK
from .style import THEMES
from .svg import svg

__all__ = ["Figure", "RendererMissingError"]

_shown = itertools.count(1)
"""Numbers the pictures that were shown on a page; files have no such number, so that they stay the same."""

BITMAPS = ("png", "jpg", "jpeg", "gif", "pdf", "ps", "eps", "webp")


class RendererMissingError(RuntimeError):
    """A format was asked for that needs a package or a program that is not installed."""


class Figure(graphviz.Digraph):  # type: ignore[misc]  # graphviz ships no type information
    """A picture as a `graphviz.Digraph`, which also renders where Graphviz is not installed.

    `.source`, `.save()`, `.render()`, `.pipe()` and notebooks work as with any Digraph; the format is SVG unless
    another is asked for.

    Attributes:
        diagram: Boxes and arrows, which the DOT text holds.
        drawn: What returns another picture of the same as SVG in a theme; None if the diagram is the picture.
    """

    def __init__(
        self, diagram: Diagram | None = None, drawn: Callable[[str], str] | None = None, **options: Any
    ) -> None:
        super().__init__(**{"format": "svg", **options})
        self.diagram = diagram or Diagram((), ())  # a subgraph, which Digraph makes of its own class, has none
        self.drawn = drawn
        if diagram:
            fill(self, diagram)
        self._drawn = list(self.body)

    @property
    def renderer(self) -> str:
        """What lays out on this machine what was changed: "dot", or "built-in", which cannot.

        Raises:
            AttributeError: On assignment: it says what is installed, and cannot be chosen.
        """
        return "dot" if shutil.which("dot") else "built-in"

    @renderer.setter
    def renderer(self, renderer: str | None) -> None:
        if renderer is not None:
            raise AttributeError("renderer says what is installed; it cannot be chosen")

    def copy(self) -> Figure:
        """Return a picture that can be changed without changing this one."""
        twin = Figure(self.diagram, self.drawn, name=self.name, filename=self.filename, format=self.format)
        twin.body[:] = self.body
        return twin

    def pipe(self, format: str | None = None, encoding: str | None = None, **_: Any) -> Any:
        """Return the picture in `format`, as bytes, or as text if an encoding is given.

        Raises:
            RendererMissingError: If the format is PNG or PDF and there is neither typst nor `dot`, or another than
                SVG and there is no `dot`.
        """
        data = self._rendered((format or self.format).lower())
        return data.decode(encoding) if encoding else data

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        outfile: str | os.PathLike[str] | None = None,
        **_: Any,
    ) -> str:
        """Write the DOT text and the picture beside it, and return the picture's path.

        Args:
            filename: Where the DOT text goes; the picture's name is this and the format.
            directory: The folder.
            view: Whether to open the picture.
            cleanup: Whether to delete the DOT text afterwards.
            format: "svg", "png", "pdf", …
            outfile: The picture's own path, whose suffix gives the format; no DOT text is left then.

        Raises:
            RendererMissingError: If the format is PNG or PDF and there is neither typst nor `dot`, or another than
                SVG and there is no `dot`.
        """
        if outfile is not None:
            target = Path(outfile)
            written(target, self._rendered((format or target.suffix.lstrip(".") or self.format).lower()))
        else:
            kind = (format or self.format).lower()
            data = self._rendered(kind)
            source = Path(self.save(filename, directory=directory))
            target = source.with_name(f"{source.name}.{kind}")
            written(target, data)
            if cleanup:
                source.unlink()
        if view:
            graphviz.view(str(target))
        return str(target)

    def save(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        *,
        skip_existing: bool | None = None,
    ) -> str:
        """Write the DOT text and return its path; the arguments are those of `graphviz.Digraph.save`."""
        if filename is not None:
            self.filename: str | os.PathLike[str] = filename
        if directory is not None:
            self.directory: str | os.PathLike[str] = directory
        path = str(self.filepath)
        if not (skip_existing and Path(path).exists()):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            written(path, str(self.source).encode(self.encoding or "utf-8"))
        return path

    def _rendered(self, kind: str) -> bytes:
        if self.body == self._drawn:
            theme = self.diagram.theme
            if kind == "svg":
                return self._svg(theme).encode()
            if kind in EXPORTED and can_export():
                return exported(self._svg("light" if theme == "auto" else theme), kind)
        if self.renderer == "built-in":
            if kind in ("dot", "gv"):
                return str(self.source).encode()
            raise RendererMissingError(self._missing(kind))
        if kind in BITMAPS and not _has_fonts():
            warnings.warn(
                f"no fonts are installed, so text in the {kind.upper()} will be missing or empty boxes: "
                "install some, such as the package fonts-dejavu-core",
                stacklevel=3,
            )
        data: bytes = graphviz.pipe("dot", kind, str(self.source).encode(), quiet=True)
        return data

    def _svg(self, theme: str) -> str:
        return self.drawn(theme) if self.drawn else svg(replace(self.diagram, theme=theme))

    def _missing(self, kind: str) -> str:
        dot = "install the `dot` program (the package graphviz)"
        if self.body != self._drawn:
            return f"the picture was changed after it was drawn, which the built-in layout cannot show: {dot}"
        if kind in EXPORTED:
            return f"{kind.upper()} needs the package typst: pip install typst; SVG and HTML work without"
        return f"{kind.upper()} needs Graphviz, and there is none: {dot}; SVG and HTML work without"

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, str]:
        image = self.pipe("svg", encoding="utf-8")
        bundle = {
            "text/html": f'<div style="overflow-x:auto">{inline(image, f"s{next(_shown)}")}</div>',
            "image/svg+xml": image,
            "text/plain": repr(self),
        }
        wanted = set(bundle) if include is None else set(include)
        return {kind: text for kind, text in bundle.items() if kind in wanted - set(exclude or ())}

    def __repr__(self) -> str:
        return f"<Figure: {len(self.diagram.boxes)} boxes, {len(self.diagram.arrows)} arrows>"


def inline(image: str, shown: str = "") -> str:
    """Return an SVG document as an element of an HTML page, with ids that no other picture on the page has.

    Args:
        image: The document.
        shown: What tells this showing of a picture from others of the same picture.
    """
    element = image[image.index("<svg") :].strip()
    own = re.match(r'<svg xmlns="http://www\.w3\.org/2000/svg" id="(g[0-9a-f]{8})"', element)
    if own:
        return re.sub(rf'( id="|#){own[1]}\b', rf"\g<0>{shown}", element) if shown else element
    prefix = "d" + shown + hashlib.sha256(element.encode("utf-8", "replace")).hexdigest()[:8]
    return re.sub(r'(<(?:svg|g|a)\b[^>]*?\bid=")', rf"\g<1>{prefix}-", element)


def page(image: str, title: str, theme: str) -> str:
    """Return an HTML page that shows one SVG picture in a theme, with a policy that allows its styles alone."""
    rules = f"body{{margin:0;background:{THEMES[theme]['ground']}}}"
    if theme == "auto":
        rules += f"@media (prefers-color-scheme:dark){{body{{background:{DARK['ground']}}}}}"
    picture = inline(image)
    styles = [rules, *re.findall("<style>(.*?)</style>", picture, re.S)]
    policy = f"default-src 'none'; style-src {' '.join(map(allowed, styles))}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{rules}</style>'
        f"</head><body>\n{picture}\n</body></html>\n"
    )


@functools.cache
def _has_fonts() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    homes = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts",
             Path.home() / ".local/share/fonts")  # fmt: skip
    return any(path.suffix.lower() in (".ttf", ".otf", ".ttc", ".pfb") for home in homes for path in home.rglob("*"))
