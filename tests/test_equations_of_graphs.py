"""The printed equations of one graph written in many ways, and of graphs that are no chain of layers."""

import re

import numpy as np
import pytest

import nn
from autograd import Value, affine, maximum, softmax, total
from autograd.lift import compile, lift
from autograd.lift.write.notation import NOTATIONS
from nn import LOSSES, l2_penalty
from tests.equation_graphs import (
    RECURRENCES,
    encoder_and_decoder,
    full_convolution,
    gru,
    lstm_of_two_steps,
    padded_convolution,
    padded_image,
    residual,
    transposed_convolution,
)
from tests.equation_programs import backward, leaves, program_of, section
from tests.lift_graphs import squared_error


def by_hand(weighted_input, label=True):
    """Return the program of a 3-4-2 tanh network whose weighted inputs are written by the given function."""
    rng = np.random.default_rng(0)

    def array(name, *shape):
        values = np.empty(shape, dtype=object)
        for index in np.ndindex(*shape):
            values[index] = Value(rng.normal(), f"{name}[{','.join(map(str, index))}]" if label else "")
        return values

    x, t = leaves([0.1, 0.2, -0.3]), leaves([0.5, 0.25])
    a = x
    for l, (n, m) in enumerate(((4, 3), (2, 4)), start=1):
        W, b = array(f"W{l}", n, m), array(f"b{l}", n)
        a = [weighted_input(list(W[j]), a, b[j]).tanh() for j in range(n)]
    return lift(0.5 * total([(p - q) ** 2 for p, q in zip(a, t, strict=True)]), {"x": x, "t": t})


def right_nested(w, a, b):
    z = b
    for wk, ak in reversed(list(zip(w, a, strict=True))):
        z = ak * wk + z
    return z


WAYS = {
    "chain": lambda w, a, b: sum((wk * ak for wk, ak in zip(w, a, strict=True)), b),
    "bias last": lambda w, a, b: sum((ak * wk for wk, ak in zip(w, a, strict=True)), 0.0) + b,
    "right nested": right_nested,
    "total": lambda w, a, b: total([*(wk * ak for wk, ak in zip(w, a, strict=True)), b]),
    "shuffled": lambda w, a, b: affine(w[::-1], a[::-1], b),
}


@pytest.mark.parametrize("label", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_the_text_does_not_depend_on_how_sums_are_written(way, label):
    expected = program_of(activations=("tanh", "tanh"))
    program = by_hand(WAYS[way], label)
    assert program.equations() == expected.equations()
    assert program.latex("theta") == expected.latex("theta")


def test_a_compiled_function_gives_the_same_text():
    model = nn.MLP(3, [4, 2], ["sigmoid", "sigmoid"], seed=0)
    program = compile(lambda x, t: LOSSES["half_squared_error"](model(x), t), parameters=model)
    with pytest.raises(RuntimeError, match="nothing is recorded"):
        program.equations()
    program.value(x=np.ones((2, 3)), t=np.ones((2, 2)))
    assert program.equations() == program_of().equations()


def test_named_outputs_change_nothing():
    model = nn.MLP(3, [4, 2], ["sigmoid", "identity"], seed=0)

    def fun(x, t):
        y = model(x)
        return LOSSES["half_squared_error"](y, t), {"y": y, "p": softmax(y)}

    program = compile(fun, parameters=model)
    program.value(x=np.ones((2, 3)), t=np.ones((2, 2)))
    assert program.equations("superscript") == program_of(activations=("sigmoid", "identity")).equations("superscript")


# --- other networks ------------------------------------------------------------------------------


def layer(name, a, n, rng, bias=True):
    W = [[Value(rng.normal(), f"W{name}[{j},{k}]") for k in range(len(a))] for j in range(n)]
    return [affine(row, list(a), Value(0.1, f"b{name}[{j}]") if bias else 0.0) for j, row in enumerate(W)]


def test_a_residual_network_names_what_is_added():
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=4)), leaves(rng.normal(size=4))
    h = [z.tanh() for z in layer("1", x, 4, rng)]
    for name in "23":
        h = [a + z.tanh() for a, z in zip(h, layer(name, h, 4, rng), strict=True)]
    program = lift(squared_error(h, t), {"x": x, "t": t})
    forward = section(program.equations(), "Forward")
    assert (forward["s₁"], forward["s₂"], forward["C"]) == ("a¹ + a²", "a¹ + a² + a³ − t", "½‖s₂‖²")
    assert backward(program) == {
        "δ³": "s₂ ⊙ σ′(z³)",
        "δs₁": "(W³)ᵀδ³ + s₂",
        "δ²": "δs₁ ⊙ σ′(z²)",
        "δ¹": "(δs₁ + (W²)ᵀδ²) ⊙ σ′(z¹)",
    }
    assert "δv is ∂C/∂v for any other v." in program.equations()
    assert "The biases are written apart" in program.equations("theta")


def test_an_activation_that_the_loss_reads_keeps_the_biases_apart():
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    h = [z.tanh() for z in layer("1", x, 4, rng)]
    cost = squared_error(layer("2", h, 2, rng), t) + total([a * a for a in h])
    text = lift(cost, {"x": x, "t": t}).equations("theta")
    assert section(text, "Forward")["z⁽²⁾"] == "Θ⁽¹⁾a⁽¹⁾ + b⁽¹⁾"
    assert "The biases are written apart" in text


def test_a_concatenation_is_read_in_two_sums():
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    h = [z.tanh() for z in layer("1", x, 4, rng)]
    program = lift(squared_error(layer("2", h + x, 2, rng), t), {"x": x, "t": t})
    text = program.equations()
    assert section(text, "Forward")["y"] == "Σₙ xₙW²ₙ₊₄ + Σₙ tanh(zₙ)W²ₙ + b²"
    assert "  ∂C/∂W²ₙ = xₙ₋₄δy, n = 5, …, 7\n" in text


def test_a_recurrence_adds_what_each_step_contributes():
    rng = np.random.default_rng(1)
    x1, x2, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    Wx = [[Value(rng.normal(), f"Wx[{j},{k}]") for k in range(3)] for j in range(4)]
    Wh = [[Value(rng.normal(), f"Wh[{j},{k}]") for k in range(4)] for j in range(4)]
    h = [affine(row, x1, 0.0).tanh() for row in Wx]
    h = [(affine(row, x2, 0.0) + affine(own, h, 0.0)).tanh() for row, own in zip(Wx, Wh, strict=True)]
    program = lift(squared_error(h, [*t, *t]), {"x1": x1, "x2": x2, "t": t})
    assert "  ∂C/∂Wxₙ = δ¹ₙx₂ + δₙx₁\n" in program.equations()
    program = lift(squared_error(h, [0.25] * 4), {"x1": x1, "x2": x2})
    assert section(program.equations(), "Gradients")["∂C/∂Wx"] == "δ²x₂ᵀ + δ¹x₁ᵀ"


def test_a_penalty_stands_last():
    text = program_of(l2=0.5).equations()
    assert section(text, "Forward")["C"] == "½‖a² − t‖² + ¼‖W¹‖² + ¼‖W²‖²"
    assert section(text, "Gradients")["∂C/∂W¹"] == "δ¹(a⁰)ᵀ + ½W¹"
    assert section(text, "Gradients")["∂C/∂b¹"] == "δ¹"


def test_a_batch_within_one_graph_has_no_numbers_of_layers():
    """The shape of micrograd's demo: every example in one graph, a penalty, one loss."""
    model = nn.MLP(2, [4, 1], ["tanh", "identity"], seed=0)
    rows = np.random.default_rng(0).normal(size=(5, 2))
    scores = [model(row)[0] for row in rows.tolist()]
    losses = [(1.0 - target * score).relu() for target, score in zip([1.0, -1.0, 1.0, 1.0, -1.0], scores, strict=True)]
    text = lift(sum(losses, 0.0) * 0.2 + l2_penalty(model, 0.5)).equations("superscript")
    assert "a¹" not in text
    assert "All this is for one example" not in text
    assert text.count("numbers of the graph.") == 5


def test_a_parameter_that_nothing_reads_has_derivative_zero():
    w, unused = Value(2.0, "w"), Value(1.0, "u")
    text = lift(w * w, parameters=[w, unused]).equations()
    assert section(text, "Gradients") == {"∂C/∂w": "2w", "∂C/∂u": "0"}


def test_a_root_that_is_a_parameter():
    w = Value(2.0, "w")
    assert section(lift(w, parameters=[w]).equations(), "Forward") == {"C": "w"}


def normalised_and_weighted():
    """Return a program: the rows of a 3 × 4 array are divided by their lengths, its entries weighted by column."""
    W = [[Value(0.1 + k + 0.3 * j, f"W[{k},{j}]") for j in range(4)] for k in range(3)]
    rows = [[w / total([v * v for v in row]).sqrt() for w in row] for row in W]
    return lift(total([c * w for row in rows for c, w in zip((1.5, -0.5, 2.0, 0.25), row, strict=True)]))


@pytest.mark.parametrize("notation", NOTATIONS)
def test_latex_and_every_notation_list_the_same_numbers(notation):
    program = normalised_and_weighted()
    for text in (program.equations(notation), program.latex(notation)):
        assert text.count("[1.5, ") == 3
        assert text.count("numbers of the graph.") == 1
        assert "indices" not in text


def test_a_minus_in_front_of_a_sum_has_its_parentheses():
    u, v = Value(0.3, "u"), Value(0.7, "v")
    text = lift(-maximum(u.tanh(), v.tanh()) + u.tanh() * v.tanh()).equations("superscript")
    assert "− ½([" in text
    assert not re.search(r"−½\[[^]]*\] \+ ½\[", text)


def test_the_square_of_a_root_is_what_is_under_it_and_powers_of_ten_are_powers():
    w = [Value(1.0 + k, f"w[{k}]") for k in range(3)]
    text = lift(total([(each * each + 1e-05).sqrt() for each in w]) ** 2 * 2.5e20).equations("superscript")
    assert "w² + 10⁻⁵" in text
    assert "2.5·10²⁰" in text
    assert "√" in text
    x = Value(2.0, "x")
    assert "√" not in section(lift(x / (x * x + 1.0).sqrt() ** 2).equations("superscript"), "Forward")["C"]


def test_sums_over_runs_whose_ends_follow_no_rule_have_equations():
    p = [Value(0.3 + 0.2 * k, f"p[{k}]") for k in range(4)]

    def function(x):
        y = [p[0] * x[0] + p[1] * x[1], p[2] * x[1], p[3] * x[2]]
        return total([c * (v + x[0]) ** 2 for c, v in zip((1.0, 2.0, 0.5), y, strict=True)])

    program = compile(function)
    program.value(x=[[1.0, 2.0, 3.0]])
    assert "C = Σₙ Aₙ(x₁ + yₙ)²" in program.equations()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda w, x: (w * 1e200 + x) * 1e-250, "C = 10⁻²⁵⁰(x + 10²⁰⁰w)"),
        (lambda w, x: w * 1e-300 * x * 1e-300 * 1e300 * 1e300, "C = xw"),
        (lambda w, x: w * 1e-200 * 1e-200 * x + w, "C = 10⁻⁴⁰⁰xw + w"),
        (lambda w, x: (w * 12345670.0 + x) ** 2, "C = (12345670w + x)²"),
    ],
)
def test_numbers_of_any_size_are_written_as_they_are(function, expected):
    w = Value(2.0, "w")
    program = compile(lambda x: function(w, x[0]))
    program.value(x=[[1.5]])
    assert expected in program.equations().splitlines()[1]


def test_a_softmax_by_columns_is_not_transposed_twice():
    """Weights of attention by hand, of which the sums of each feature are written apart."""
    rng = np.random.default_rng(7)
    Q, K, V = ([[Value(rng.normal(), f"{name}[{i},{j}]") for j in range(2)] for i in range(2)] for name in "QKV")
    tokens = [leaves(rng.normal(size=2)) for _ in range(3)]
    q, k, v = ([[affine(row, token) for row in W] for token in tokens] for W in (Q, K, V))
    outputs = []
    for query in q:
        scores = [affine(query, key).exp() for key in k]
        weights = [score / total(scores) for score in scores]
        outputs += [affine(weights, [each[d] for each in v]) for d in range(2)]
    text = lift(
        total([(output - 0.5) ** 2 for output in outputs]), {"x": [leaf for token in tokens for leaf in token]}
    ).equations()
    assert "\n  P = softmax(W)U − ½\n" in text
    assert "\n  δP = 2softmax(W)U − 1\n" in text


@pytest.mark.parametrize(("names", "numbers"), [("37", "³⁷"), ("21", "¹²"), ("ab", "¹²")])
def test_layers_have_the_numbers_of_their_weights_if_these_grow(names, numbers):
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    h = [z.tanh() for z in layer(names[0], x, 4, rng)]
    program = lift(squared_error(layer(names[1], h, 2, rng), t), {"x": x, "t": t})
    first, second = numbers
    assert list(section(program.equations(), "Forward")) == [
        *("a⁰", f"z{first}", f"a{first}", f"z{second}", f"a{second}", "C")
    ]


def test_parameters_that_are_called_like_activations_keep_the_names_of_the_code():
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    W = [[Value(rng.normal(), f"W[{j},{k}]") for k in range(3)] for j in range(2)]
    h = [affine(row, x, Value(0.1, f"a1[{j}]")).tanh() for j, row in enumerate(W)]
    assert section(lift(squared_error(h, t), {"x": x, "t": t}).equations("theta"), "Forward")["z"] == "Θx + a⁽¹⁾"


@pytest.mark.parametrize("graph", RECURRENCES.values(), ids=lambda graph: graph.__name__)
def test_a_recurrence_over_numbers_of_the_graph_is_one_line_with_a_time(graph):
    loss, inputs = graph(np.random.default_rng(4))
    text = lift(loss, inputs).equations()
    forward = text[: text.index("Backward")]
    assert "for t = " in forward
    assert len(forward.splitlines()) <= 11  # as many whatever the number of steps
    assert re.search(r"^A = \[.*\], numbers of the graph\.$", text, re.M)


def test_what_one_step_alone_reads_does_not_make_a_sequence_of_the_others():
    """The error of the last layer of a residual network is no part of its layers."""
    loss, inputs = residual(np.random.default_rng(5))
    lines = [line.strip() for line in lift(loss, inputs).equations().splitlines()]
    assert lines[1:4] == ["a⁰ = x", "z¹ = W¹a⁰ + b¹", "a¹ = σ(z¹)"]
    assert not any("Aₗ" in line for line in lines)


def test_the_lstm_of_a_literal_sequence_reads_like_a_book():
    loss, _ = RECURRENCES["an LSTM"](np.random.default_rng(4))
    lines = [line.strip() for line in lift(loss).equations().splitlines()]
    start = lines.index("for t = 1, …, 4")
    assert lines[start - 2 : start] == ["v₀ = c₀", "u₀ = h₀"]
    assert lines[start + 1 : start + 7] == [
        "zₜ = Aₜ Wf + Uf uₜ₋₁",
        "z¹ₜ = Aₜ Wi + Ui uₜ₋₁",
        "z²ₜ = Aₜ Wo + Uo uₜ₋₁",
        "z³ₜ = Aₜ Wg + Ug uₜ₋₁",
        "vₜ = σ(z¹ₜ) ⊙ tanh(z³ₜ) + vₜ₋₁ ⊙ σ(zₜ)",
        "uₜ = σ(z²ₜ) ⊙ tanh(vₜ)",
    ]


def test_no_product_with_the_adjoint_of_z_reads_like_the_adjoint_of_the_other_factor():
    text = lift(lstm_of_two_steps(np.random.default_rng(4))[0]).equations()
    assert "δs₁ = " in text
    assert section(text, "Gradients")["∂C/∂Uf"] == "δuh₀ᵀ + δzs₁ᵀ"
    assert "δ alone" not in text


def test_the_derivatives_of_a_matrix_with_one_row_are_a_row():
    gradients = section(lift(RECURRENCES["numbers and targets"](np.random.default_rng(4))[0]).equations(), "Gradients")
    assert gradients["∂C/∂V"] == "Σₜ δyₜ uₜᵀ"
    x = leaves([0.5, -1.0])
    program = lift(nn.half_squared_error(nn.MLP(2, [2, 1], "tanh", seed=0)(x), [1.0]), {"x": x})
    assert section(program.equations(), "Gradients")["∂C/∂W²"] == "δy tanh(z)ᵀ"


def text_of(graph):
    return lift(*graph(np.random.default_rng(5))).equations()


@pytest.mark.parametrize(
    ("graph", "forward", "gradient"),
    [
        (padded_convolution, "zₙ = Σₖ wₖx₂ₙ₊ₖ₋₃, n = 1, …, 4\n", "∂C/∂wₖ = Σₙ δₙx₂ₙ₊ₖ₋₃"),
        (
            padded_image,
            "Uₖₚ = Σⱼₘ X[j+k-2,m+p-2]Kⱼₘ, k = 1, …, 4, p = 1, …, 4\n  C = ½‖tanh(U) − T‖²\n",
            "∂C/∂Xᵢₙ = Σₖₚ δUₖₚ K[i-k+2,n-p+2]",
        ),
        (full_convolution, "z = w ∗ x\n", "∂C/∂wₚ = Σₖ δₖxₖ₋ₚ₊₁"),
        (transposed_convolution, "yₙ = Σₖ wₙ₋₂ₖ₊₂xₖ", "∂C/∂wᵢ = Σₖ δy₂ₖ₊ᵢ₋₂ xₖ"),
    ],
)
def test_a_window_may_begin_before_an_array_go_further_by_several_be_turned_or_leave_places_out(
    graph, forward, gradient
):
    text = text_of(graph)
    assert f"\n  {forward}" in text
    assert f"\n  {gradient}\n" in text


def test_a_gate_of_a_state_of_zeros_repeats_like_all_others():
    text = text_of(gru)
    assert "\n    vₜ = 1 − wₜ\n" in text
    assert "numbers of the graph" not in text


def test_a_recurrence_after_another_one_leaves_both_in_loops():
    text = text_of(encoder_and_decoder)
    assert text.count("\n  for ") == 4
    assert "t₃" not in text.partition("Backward")[0]
