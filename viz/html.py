"""Pages: both passes of a graph to explore, offline and in one file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd import Explanation, Program, Value

from .canvas import embedded, escaped
from .diagram import Diagram
from .explorer.data import Content, content
from .explorer.page import Explorer, page, table
from .formula import Symbol
from .graph import draw
from .layers import has_skips, refuse_unfit
from .sheets.explanation import explanation_sheet
from .sheets.program import program_sheet
from .sheets.report import report_sheet
from .sheets.sheet import Sheet
from .style import numeral, plain, shortened
from .svg import svg
from .trace import Trace, trace

__all__ = ["Explorer", "Sheet", "sheet_writer", "to_html"]

LEGIBLE = 60
"""A static picture of more Values is drawn by layers, or of the part next to the output."""
MOST_DRAWN = 2000
"""A larger graph without layers has no static picture on its page."""
MOST_SIZES = 12
"""The title of a deeper network names the number of its layers, and the sizes of the first and the last."""
MOST_ROWS = 200
"""More rows the table for readers without JavaScript does not have."""


def to_html(
    root: Any,
    *,
    names: Mapping[str, Any] | None = None,
    title: str = "",
    inputs: Mapping[str, Sequence[Value]] | None = None,
    image: tuple[int, int] | None = None,
    classes: Sequence[str] = (),
    examples: Sequence[str] = (),
) -> Explorer | Sheet:
    """Return one offline page that explains the forward and the backward pass of `root`.

    It shows a network at four depths (network, layer, neuron, scalars), a graph without layers by its derived matrix
    equations and by its scalars, all on one clock. Numbers can be changed on the page, which then computes both passes
    again. A graph that holds a batch is shown example by example, or as their mean. The page needs no network and no
    Graphviz.

    Other results have pages without scripts: a report of `nn.check_backprop` shows your arrays beside the right ones
    and strikes out the wrong factor in its equation and in its line; an explanation of `autograd.explain` the paths
    behind one gradient; a program its equations and its source.

    Args:
        root: The output; or a report, an explanation or a program, which take no option but `title`.
        names: Names for Values without a label, such as `locals()`.
        title: The heading; by default it names the expression or the sizes of the layers.
        inputs: Leaves that are inputs, by name, for the equations of a graph without layers.
        image: Rows and columns, if the input of a network is an image.
        classes: Names of a network's outputs.
        examples: Names of the examples of a batch.

    Raises:
        TypeError: If `root` is none of these, an option does not go with it, or an input is not a leaf of the graph.
        ValueError: If `image`, `classes` or `examples` do not fit the network.
        RuntimeError: If a leaf was assigned after a node that uses it was recorded, or a program has recorded nothing.

    Example:
        >>> x = Value(3.0, "x")
        >>> to_html(x * x).count("<script>")
        1
    """
    writer = sheet_writer(root)
    if writer is not None:
        if names or inputs or image is not None or classes or examples:
            raise TypeError(f"the page of a {type(root).__name__} takes no option but title")
        return writer(root, title)
    traced = trace(root, names)
    shown = content(traced, _leaves(traced, inputs or {}))
    network = shown.network
    count = len(network.examples) if network else 1
    options: dict[str, Any] = {"classes": list(map(plain, classes))}
    refuse_unfit(network, image, classes)
    if image is not None:
        options["image"] = list(image)
    if examples and len(examples) != count:
        raise ValueError(f"examples must name each example of the batch, got {len(examples)} names for {count}")
    options["examples"] = [shortened(name, 24) for name in examples] or [f"example {k}" for k in range(1, count + 1)]
    heading = title or _title(shown)
    story, picture = _story(shown), _picture(root, names, len(traced.nodes), layered=network is not None)
    return page(
        shown,
        title=shortened(heading, 120),
        subtitle=_subtitle(shown),
        story=story,
        fallback=f"{picture}<p>{escaped(story)}</p>{_table(traced)}",
        options=options,
    )


def sheet_writer(root: object) -> Callable[[Any, str], Sheet] | None:
    """Return what writes the page of something else than a Value; None for a Value."""
    if isinstance(root, Explanation):
        return explanation_sheet
    if isinstance(root, Program):
        return program_sheet
    if hasattr(root, "findings") and hasattr(root, "to_dict"):  # a report of the referee, which nn has
        return report_sheet
    return None


def _leaves(traced: Trace, inputs: Mapping[str, Sequence[Value]]) -> dict[str, list[int]]:
    index = {id(node.value): node.index for node in traced.nodes if node.value is not None and node.op is None}
    found: dict[str, list[int]] = {}
    for name, leaves in inputs.items():
        flat = list(np.asarray(leaves, dtype=object).ravel())
        for leaf in flat:
            if id(leaf) not in index:
                raise TypeError(f"input {name!r} must hold leaf Values of the graph, got {plain(repr(leaf))[:80]}")
        found[name] = [index[id(leaf)] for leaf in flat]
    return found


# --- words ---------------------------------------------------------------------------------------


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _title(shown: Content) -> str:
    """Return what a page is called: the layer sizes, or the expression."""
    network, traced = shown.network, shown.traced
    if network is not None:
        sizes = "-".join(map(str, network.sizes))
        if len(network.sizes) > MOST_SIZES:
            first, last = network.sizes[:3], network.sizes[-2:]
            sizes = f"{len(network.layers)}-layer {'-'.join(map(str, first))}-…-{'-'.join(map(str, last))}"
        batch = f"A batch of {len(network.examples)} through a" if len(network.examples) > 1 else "A"
        kind = "residual " if has_skips(traced, network) else ""
        return f"{batch} {kind}{sizes} network and its cost"
    text = expression_of(traced)
    if text:
        return f"{shortened(traced.output, 24)} = {text}"
    interior = sum(1 for node in traced.nodes if node.op)
    return f"{shortened(traced.output, 40)}, computed in {_counted(interior, 'step')}"


def expression_of(traced: Trace, longest: int = 56) -> str:
    """Return the output of a small graph as a formula of its leaves; empty if it would be too long.

    Example:
        >>> x, y = Value(2.0, "x"), Value(3.0, "y")
        >>> expression_of(trace(x * y + x))
        'x · y + x'
    """
    if len(traced.nodes) > 24 or len(traced.nodes) < 2:
        return ""
    made: list[Any] = []
    for node in traced.nodes:
        if node.op is None:
            number = node.is_constant and not node.label
            made.append(node.data if number else Symbol(shortened(node.name, 24), node.data))
            continue
        operands = [made[traced.edges[k].tail] for k in node.edges_in]
        try:
            made.append(node.op(operands) if node.op.arity is None else node.op(*operands))
        except (ArithmeticError, TypeError, ValueError):
            return ""
        if isinstance(made[-1], Symbol) and len(made[-1].text) > longest:
            return ""
    return made[traced.root].text if isinstance(made[traced.root], Symbol) else ""


def _subtitle(shown: Content) -> str:
    traced, network = shown.traced, shown.network
    if network is None:
        steps = sum(1 for edge in traced.edges if edge.step)
        return f"{_counted(len(traced.nodes), 'value')} · {_counted(steps, 'contribution')}"
    functions = dict.fromkeys(layer.activation.name if layer.activation else "identity" for layer in network.layers)
    parameters = sum(len(row) for layer in network.layers for row in (*layer.weights, layer.biases))
    mean = f" · the mean of {len(network.examples)} examples" if len(network.examples) > 1 else ""
    return f"{', '.join(functions)} · {_counted(parameters, 'parameter')}{mean}"


def _story(shown: Content) -> str:
    """Return the sentence that stands below the finished picture."""
    traced, network = shown.traced, shown.network
    if network is not None and len(network.examples) > 1:
        return "Each example has its own a and δ. A weight has one gradient: what all examples add to it."
    if network is not None and has_skips(traced, network):
        return "What goes around a layer comes back around it: its gradient is the sum of two ways."
    if network is not None and len(network.layers) > 1:
        return "The example goes through, the cost comes out, and its derivative comes back."
    if network is not None:
        return "Its sum goes through a function, whose slope there is a factor of all its gradients."
    uses = [sum(1 for k in node.edges_out if traced.edges[k].step) for node in traced.nodes]
    count = max(uses)
    if len(traced.nodes) <= 24 and count > 1:
        node, times = traced.nodes[uses.index(count)], {2: "twice"}.get(count, f"{count} times")
        arrive = f"so {count} contributions arrive at it and add up to {numeral(node.adjoint)}"
        return f"{shortened(shown.names[node.index])} is used {times}, {arrive}."
    if shown.sets:
        return f"The matrices of these equations were found in {_counted(len(traced.nodes), 'scalar')}."
    return "Every value is computed once, and every contribution to a gradient is upstream × local slope."


# --- without a script ----------------------------------------------------------------------------


def _picture(root: Value, names: Mapping[str, Any] | None, count: int, *, layered: bool) -> str:
    """Return a static picture, if one can be read."""
    if count > MOST_DRAWN and not layered:
        return ""
    part = {"level": "value"} if count <= LEGIBLE else {"level": "layer"} if layered else {"level": "value", "depth": 3}
    try:
        drawn: Diagram = draw(root, names=names, **part).diagram
    except ValueError:
        return ""
    return re.sub("<title>.*?</title>", "", embedded(svg(drawn)), flags=re.DOTALL)  # the table tells what they tell


def _table(traced: Trace) -> str:
    nodes = [node for node in traced.nodes if not node.is_constant]
    rows = [(node.name, numeral(node.data, 17), numeral(node.adjoint, 17)) for node in nodes[:MOST_ROWS]]
    return table(rows, len(nodes) - len(rows))
