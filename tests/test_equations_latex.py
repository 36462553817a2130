"""The printed equations as LaTeX: balanced, ASCII, and read by a parser."""

import re

import pytest

from autograd import Value, affine, total, where
from autograd.lift import lift
from autograd.lift.write.notation import NOTATIONS
from nn.loss.losses import LOSSES
from tests.equation_programs import COSTS, leaves, program_of


def test_the_latex_of_the_network_of_the_post_of_2018():
    text = program_of().latex()
    assert r"z^{1} &= W^{1} a^{0} + b^{1} \\" in text
    assert r"C &= \frac{1}{2} \Vert a^{2} - t \Vert^{2}" in text
    assert r"\delta^{2} &= \left(a^{2} - t\right) \odot \sigma^{\prime}\left(z^{2}\right) \\" in text
    assert r"\delta^{1} &= \left(W^{2}\right)^{\top} \delta^{2} \odot \sigma^{\prime}\left(z^{1}\right)" in text
    assert r"\frac{\partial C}{\partial W^{2}} &= \delta^{2} \left(a^{1}\right)^{\top} \\" in text


def displays(text):
    """Return the equations of the align environments, without their ampersands."""
    rows = [
        row for block in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end", text, re.S) for row in block.split(" \\\\\n")
    ]
    return [row.replace("&", "") for row in rows]


def require_balance(text):
    assert text.isascii()
    for row in displays(text):
        depth = 0
        for sign in re.findall(r"\\left|\\right|(?<!\\)[{}]", row):
            depth += 1 if sign in ("{", r"\left") else -1
            assert depth >= 0
        assert depth == 0
        assert row.count(r"\left") == row.count(r"\right")
        assert row.count(r"\begin") == row.count(r"\end")
    assert text.count("$") % 2 == 0


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_latex_is_balanced_and_ascii(loss, notation):
    require_balance(program_of(loss, activations=("gelu", COSTS[loss][0]), l2=0.1).latex(notation))


def test_latex_of_parts_choices_and_quotients():
    x, t = leaves([0.3, 0.7]), leaves([1.0, 0.0])
    W = [[Value(0.1 * (j + 2 * k), f"Wo[{k},{j}]") for j in range(2)] for k in range(2)]
    u, v = ([Value(0.5 + k, f"{name}[{k}]") for k in range(2)] for name in ("gain", "v"))
    chosen = [where(c, a, b) for c, a, b in zip(t, u, v, strict=True)]
    stacked = [(w * x[0]).tanh() for w in (*u, *v)]
    quotient = (W[0][1] * x[1]) / (W[1][0] * W[1][0] + 1.0)
    program = lift(total([*chosen, *stacked]) + quotient * affine(W[1], x, 0.0), {"x": x, "t": t})
    text = program.latex()
    require_balance(text)
    for piece in (
        r"\ \mathrm{if} \ t \neq 0 \ \mathrm{else} \ ",
        r"\frac{y_{1} y_{2}}{{W_{o, 2}}^{2} + 1}",
        r"\delta y_{1} &= \frac{y_{2}}",
    ):
        assert piece in text, text


@pytest.mark.slow
@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_equation_is_read_by_a_latex_parser(notation):
    mathtext = pytest.importorskip("matplotlib.mathtext", reason="matplotlib, extra [plot], is not installed")
    parser = mathtext.MathTextParser("path")
    for loss in LOSSES:
        text = program_of(loss, activations=("silu", COSTS[loss][0]), l2=0.1).latex(notation)
        for row in displays(text):
            parser.parse(f"${row}$")
        for formula in re.findall(r"\$(.+?)\$", text):
            parser.parse(f"${formula}$")
