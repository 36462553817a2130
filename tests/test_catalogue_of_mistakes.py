"""Every kind of mistake is diagnosed at every depth and place where it can be made."""

import pytest

from nn.referee.mistakes import raised
from tests.matrix_networks import LOSSES
from tests.planted_mistakes import Problem, catalogue, report_on

KINDS = (
    *("sign", "factor 2", "factor 1/2", "factor m", "factor 1/m", "σ′ missing", "σ′ at a", "σ′ at the wrong layer"),
    *("this layer's a", "wrong layer's a", "transposed", "un-transposed W", "wrong axis", "cross-entropy δ"),
    *("squared-error δ", "no l2", "wrong l2", "bias regularised", "only the last example"),
)
LEAST_DEPTH = {"σ′ at the wrong layer": 2, "wrong layer's a": 2, "un-transposed W": 2}
KINDS_AND_DEPTHS = [
    pytest.param(kind, depth, marks=pytest.mark.slow if depth > 2 else ())
    for kind in KINDS
    for depth in (1, 2, 3, 4)
    if depth >= LEAST_DEPTH.get(kind, 1)
]


@pytest.mark.parametrize(("kind", "depth"), KINDS_AND_DEPTHS)
def test_every_kind_of_mistake_is_diagnosed_at_every_depth_and_place(kind, depth):
    loss = "binary_cross_entropy" if kind == "squared-error δ" else "half_squared_error"
    p = Problem(depth, "tanh", loss, l2=0.3)
    for array, layer, planted in catalogue(p)[kind]:
        finding = report_on(p, {(array, layer): (planted,)}).of(array, layer)
        named = [{mistake.kind for mistake in explanation} for explanation in finding.explanations]
        assert {kind} in named, f"{planted} in {finding.name} of {depth} layers is misdiagnosed: {finding}"
        if ", " in planted:
            which = raised(planted.split(", ")[1])
            texts = [mistake.text for explanation in finding.explanations for mistake in explanation]
            assert any(f"a{which} is used" in text or f"at z{which}," in text for text in texts), texts


def test_no_kind_of_mistake_is_left_out():
    assert set(KINDS) == {kind for loss in LOSSES[:3] for kind in catalogue(Problem(4, "tanh", loss, l2=0.3))}
