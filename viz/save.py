"""Pictures as files."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from autograd import Value
from autograd.files import written

from .figure import Figure, page
from .graph import draw
from .offline import Page
from .text import to_text
from .trace import Trace, trace

__all__ = ["save"]

_PICTURES = (".svg", ".png", ".pdf", ".dot", ".gv")


def save(obj: object, path: str | os.PathLike[str]) -> Path:
    """Write `obj` to a file whose suffix says how, and return the path.

    A regular file is written as a whole or not at all; a device or a pipe is written to.

    Args:
        obj: A picture (.svg .png .pdf .dot .gv .html), a page of both passes (.html), a text (.txt), a trace (.json), a
            figure of matplotlib (.svg .png .pdf), a report of the referee, an explanation or a program (.html), or a
            Value, which takes all of these: its graph, its page, its tree and its trace.
        path: Where to.

    Raises:
        TypeError: If `obj` is none of these.
        ValueError: If there is no such format for it.
        FileNotFoundError: If the folder does not exist.
        IsADirectoryError: If the path is a folder.
        viz.RendererMissingError: If it is a picture as PNG or PDF, and neither typst nor `dot` is installed.
    """
    target = Path(path)
    writers = _writers(obj)
    writer = writers.get(target.suffix.lower())
    if writer is None:
        kind = type(obj).__name__
        raise ValueError(f"a {kind} is written as {' '.join(writers)}, got the suffix {target.suffix!r} of {target}")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target} cannot be written: there is no folder {target.parent}")
    written(target, writer())
    return target


def _writers(obj: Any) -> dict[str, Callable[[], bytes]]:
    """Return what can write `obj`, by suffix."""
    from .html import sheet_writer, to_html  # here, because it brings the lift

    if isinstance(obj, Value):
        return {
            **{suffix: partial(_drawn, obj, suffix) for suffix in _PICTURES},
            ".html": lambda: _encoded(to_html(obj)),
            ".txt": lambda: _encoded(to_text(obj, color=False) + "\n"),
            ".json": lambda: _json(trace(obj)),
        }
    if isinstance(obj, Figure):
        theme = obj.diagram.theme
        html = {".html": lambda: _encoded(page(obj.pipe("svg", encoding="utf-8"), "Computation graph", theme))}
        return {**{suffix: partial(_picture, obj, suffix) for suffix in _PICTURES}, **html}
    if isinstance(obj, Page):
        return {".html": lambda: _encoded(obj)}
    if sheet_writer(obj) is not None:
        return {".html": lambda: _encoded(to_html(obj))}
    if isinstance(obj, str):
        return {".txt": lambda: _encoded(obj if obj.endswith("\n") else obj + "\n")}
    if isinstance(obj, Trace):
        return {".json": lambda: _json(obj)}
    if hasattr(obj, "savefig"):
        return {suffix: partial(_plot, obj, suffix) for suffix in (".svg", ".png", ".pdf")}
    raise TypeError(f"only pictures, pages, texts, traces and Values can be saved, got a {type(obj).__name__}")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _drawn(value: Value, suffix: str) -> bytes:
    return _picture(draw(value), suffix)


def _picture(figure: Figure, suffix: str) -> bytes:
    if suffix in (".dot", ".gv"):
        return _encoded(str(figure.source))
    data: bytes = figure.pipe(suffix[1:])
    return data


def _plot(plot: Any, suffix: str) -> bytes:
    """Return a matplotlib figure as a file without the date and without random ids: the same bytes each time."""
    import matplotlib as mpl

    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "deltagrad"}):
        plot.savefig(buffer, format=suffix[1:], metadata=undated.get(suffix))
    return buffer.getvalue()


def _json(traced: Trace) -> bytes:
    """Return a trace as JSON; what is undefined or infinite is null."""
    nodes = [
        {
            "name": node.name,
            "label": node.label,
            "op": node.op.name if node.op else None,
            "data": node.data,
            "adjoint": _finite(node.adjoint),
            "grad": _finite(node.grad),
            "constant": node.is_constant,
            "badges": list(node.badges),
        }
        for node in traced.nodes
    ]
    rules = {node.index: traced.rules(node.index) for node in traced.nodes}
    edges = [
        {
            "tail": edge.tail,
            "head": edge.head,
            "slot": edge.slot,
            "step": edge.step,
            "rule": rules[edge.head][edge.slot],
            "local": _finite(edge.local),
            "upstream": _finite(edge.upstream),
            "contribution": _finite(edge.contribution),
        }
        for edge in traced.edges
    ]
    whole = {"root": traced.root, "nodes": nodes, "edges": edges}
    return json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False).encode("utf-8", "replace") + b"\n"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
