"""The page of the paths behind one gradient: what each contributes, and the slopes along it."""

from __future__ import annotations

import math

from autograd import Explanation
from autograd.explain import Path

from ..canvas import embedded, embedded_rules
from ..paths import draw_paths
from ..style import numeral
from ..svg import svg
from .mathml import mathml
from .sheet import Sheet, sheet, words

__all__ = ["explanation_sheet"]

DIGITS, MOST_BOXES, LONGEST = 4, 60, 14


def explanation_sheet(explanation: Explanation, title: str = "") -> Sheet:
    """Return the page of what `autograd.explain` found."""
    output, wrt = (explanation.name(each) for each in (explanation.output, explanation.wrt))
    name = f"∂{output}/∂{wrt}"
    listed, count = len(explanation.paths), explanation.count
    size = explanation.positive - explanation.negative
    lead = [f"The sum over {_counted(count)} of the product of the local slopes along it."]
    if listed < count:
        lead.append(f"The {listed} largest are listed.")
    if explanation.cut:
        lead.append(f"{_counted(explanation.cut)} {'is' if explanation.cut == 1 else 'are'} cut by a dead ReLU.")
    if explanation.positive and explanation.negative:
        cancel = explanation.cancellation
        lead.append(
            f"Contributions of both signs cancel: {numeral(explanation.positive, DIGITS)} and "
            f"{numeral(explanation.negative, DIGITS)}"
            + (f", {cancel:.3g} times as much as what is left." if math.isfinite(cancel) else ".")
        )
    paths = "".join(_path(explanation, each, size) for each in explanation.paths)
    head = f'<math class="g">{mathml(name) if _is_plain(output + wrt) else f"<mtext>{words(name, 80)}</mtext>"}</math>'
    body = (
        f"<h1>{head} = {numeral(explanation.gradient, 6)}</h1><p class='lead'>{words(' '.join(lead))}</p>"
        f'<ol class="paths">{paths}</ol>{_picture(explanation)}'
    )
    return sheet(title or f"{name} = {numeral(explanation.gradient, 6)}", body, embedded_rules(".picture svg"))


def _is_plain(names: str) -> bool:
    return names.isalnum()


def _counted(count: int) -> str:
    return "one path" if count == 1 else f"{count:,} paths"


def _path(explanation: Explanation, path: Path, size: float) -> str:
    share = abs(path.product) / size if size else 0.0
    style = "neg" if path.product < 0.0 else "pos"
    bar = (
        f'<svg class="bar" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{style}" width="{100.0 * share:.2f}" height="12" rx="2"/></svg>'
    )
    steps = [f"<b>{words(explanation.name(explanation.wrt), 40)}</b>"]
    shown = (
        path.steps if len(path.steps) <= LONGEST else (*path.steps[: LONGEST // 2], None, *path.steps[-LONGEST // 2 :])
    )
    for step in shown:
        if step is None:
            steps.append("…")
            continue
        slope = f'<span class="slope">× {numeral(step.local, DIGITS)}</span>'
        steps.append(f"{slope} → {words(explanation.name(step.node), 40)}")
    return (
        f'<li><span class="number">{numeral(path.product, 6)}</span><span>{bar}<small>{share:.1%}</small></span>'
        f'<span class="way">{" ".join(steps)}</span></li>'
    )


def _picture(explanation: Explanation) -> str:
    """Return the picture of the paths, unless it is too large to be read."""
    try:
        text = svg(draw_paths(explanation, max_nodes=MOST_BOXES).diagram)
    except ValueError:
        return ""
    return f'<div class="picture">{embedded(text)}</div>'
