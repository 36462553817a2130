"""The printed equations: golden texts of the documents' networks, and the same text however a graph was written."""

import functools
import re

import numpy as np
import pytest

import nn
from autograd import Value, affine, exp, log, log_softmax, softmax, total, where
from autograd.lift import Program, compile, lift
from autograd.lift.equations.notation import NOTATIONS
from nn.activations import ACTIVATIONS
from nn.losses import LOSSES, l2_penalty
from tests.lift_graphs import squared_error


def leaves(numbers, label=""):
    return [Value(float(number), f"{label}[{k}]" if label else "") for k, number in enumerate(numbers)]


@functools.cache
def program_of(loss="half_squared_error", sizes=(3, 4, 2), activations=("sigmoid", "sigmoid"), l2=0.0):
    model = nn.MLP(sizes[0], sizes[1:], list(activations), seed=3)
    model.biases = [np.full(n, 0.3) for n in sizes[1:]]
    x = leaves(np.linspace(-0.5, 0.7, sizes[0]))
    t = leaves([1.0] * sizes[-1] if loss == "hinge_loss" else [1.0 / sizes[-1]] * sizes[-1])
    cost = LOSSES[loss](model(x), t)
    return lift(cost + l2_penalty(model, l2) if l2 else cost, {"x": x, "t": t})


def section(text, title):
    """Return the equations of a section: the left side, and the right side."""
    (block,) = re.findall(rf"^{title}\n((?:  .*\n)+)", text, re.M)
    return dict(re.split(r" \+?= ", line.strip(), maxsplit=1) for line in block.splitlines())


def backward(program, notation="superscript"):
    return section(program.equations(notation), "Backward")


MEAN = (
    "All this is for one example. The cost of a batch of N examples, and each derivative by a parameter, is the mean, "
    "(1/N) times the sum, of those of its examples.\n"
)

POST_OF_2018 = """\
Forward
  a⁰ = x
  z¹ = W¹a⁰ + b¹
  a¹ = σ(z¹)
  z² = W²a¹ + b²
  a² = σ(z²)
  C = ½‖a² − t‖²

Backward
  δ² = (a² − t) ⊙ σ′(z²)
  δ¹ = (W²)ᵀδ² ⊙ σ′(z¹)

Gradients
  ∂C/∂W¹ = δ¹(a⁰)ᵀ
  ∂C/∂b¹ = δ¹
  ∂C/∂W² = δ²(a¹)ᵀ
  ∂C/∂b² = δ²

σ is sigmoid, σ′(z) = σ(z)(1 − σ(z)).
δˡ = ∂C/∂zˡ, and ⊙ is entrywise.
"""

ML_15 = """\
Forward
  a⁽¹⁾ = (1, x)
  z⁽²⁾ = Θ⁽¹⁾a⁽¹⁾
  a⁽²⁾ = (1, g(z⁽²⁾))
  z⁽³⁾ = Θ⁽²⁾a⁽²⁾
  a⁽³⁾ = (1, g(z⁽³⁾))
  z⁽⁴⁾ = Θ⁽³⁾a⁽³⁾
  a⁽⁴⁾ = g(z⁽⁴⁾)
  J = −y ⊙ log(a⁽⁴⁾) − (1 − y) ⊙ log(1 − a⁽⁴⁾)

Backward
  δ⁽⁴⁾ = a⁽⁴⁾ − y
  δ⁽³⁾ = (Θ̄⁽³⁾)ᵀδ⁽⁴⁾ ⊙ g′(z⁽³⁾)
  δ⁽²⁾ = (Θ̄⁽²⁾)ᵀδ⁽³⁾ ⊙ g′(z⁽²⁾)

Gradients
  ∂J/∂Θ⁽¹⁾ = δ⁽²⁾(a⁽¹⁾)ᵀ
  ∂J/∂Θ⁽²⁾ = δ⁽³⁾(a⁽²⁾)ᵀ
  ∂J/∂Θ⁽³⁾ = δ⁽⁴⁾(a⁽³⁾)ᵀ

g is sigmoid, g′(z) = g(z)(1 − g(z)).
δ⁽ˡ⁾ = ∂J/∂z⁽ˡ⁾, and ⊙ is entrywise.
y is the input t.
The first column of Θ⁽ˡ⁾ holds the biases; (1, a) is a with a 1 on top of it.
Θ̄⁽ˡ⁾ is Θ⁽ˡ⁾ without its first column.
0 · log 0 counts as 0.
"""

DERIVING_POST = """\
Forward
  a⁽¹⁾ = x
  z⁽²⁾ = W⁽¹⁾a⁽¹⁾ + b⁽¹⁾
  a⁽²⁾ = σ(z⁽²⁾)
  z⁽³⁾ = W⁽²⁾a⁽²⁾ + b⁽²⁾
  a⁽³⁾ = σ(z⁽³⁾)
  J = ½‖a⁽³⁾ − y‖²

Backward
  ε⁽³⁾ = (a⁽³⁾ − y) ⊙ σ′(z⁽³⁾)
  ε⁽²⁾ = (W⁽²⁾)ᵀε⁽³⁾ ⊙ σ′(z⁽²⁾)

Gradients
  ∂J/∂W⁽¹⁾ = ε⁽²⁾(a⁽¹⁾)ᵀ
  ∂J/∂b⁽¹⁾ = ε⁽²⁾
  ∂J/∂W⁽²⁾ = ε⁽³⁾(a⁽²⁾)ᵀ
  ∂J/∂b⁽²⁾ = ε⁽³⁾

σ is sigmoid, σ′(z) = σ(z)(1 − σ(z)).
ε⁽ˡ⁾ = ∂J/∂z⁽ˡ⁾, and ⊙ is entrywise.
y is the input t.
"""

REYNOSO = """\
Forward
  a⁰ = x
  z¹ = w¹a⁰ + b¹
  a¹ = σ(z¹)
  z² = w²a¹ + b²
  a² = σ(z²)
  C = ½‖a² − t‖²

Backward
  δ² = (a² − t) ⊙ a′⁽²⁾
  δ¹ = a′⁽¹⁾ ⊙ ((w²)ᵀδ²)

Gradients
  ∂C/∂w¹ = δ¹(a⁰)ᵀ
  ∂C/∂b¹ = δ¹
  ∂C/∂w² = δ²(a¹)ᵀ
  ∂C/∂b² = δ²

σ is sigmoid, σ′(z) = σ(z)(1 − σ(z)).
δˡ = ∂C/∂zˡ, and ⊙ is entrywise.
a′⁽ˡ⁾ is the derivative of the activation of layer l at zˡ.
"""

MEHROTRA = """\
Forward
  a⁰ = x
  z¹ = w¹a⁰ + b¹
  a¹ = σ(z¹)
  z² = w²a¹ + b²
  a² = σ(z²)
  C = ½‖a² − y‖²

Backward
  δ² = (a² − y) ⊙ σ′(z²)
  δ¹ = ((w²)ᵀδ²) ⊙ σ′(z¹)

Gradients
  ∂C/∂w¹ = δ¹(a⁰)ᵀ
  ∂C/∂b¹ = δ¹
  ∂C/∂w² = δ²(a¹)ᵀ
  ∂C/∂b² = δ²

σ is sigmoid, σ′(z) = σ(z)(1 − σ(z)).
δˡ = ∂C/∂zˡ, and ⊙ is entrywise.
y is the input t.
"""

PENALISED = """\
Forward
  a⁽¹⁾ = (1, x)
  z⁽²⁾ = Θ⁽¹⁾a⁽¹⁾
  a⁽²⁾ = (1, g(z⁽²⁾))
  z⁽³⁾ = Θ⁽²⁾a⁽²⁾
  a⁽³⁾ = g(z⁽³⁾)
  J = −yᵀ log(a⁽³⁾) − (1 − y)ᵀ log(1 − a⁽³⁾) + 0.05‖Θ̄⁽¹⁾‖² + 0.05‖Θ̄⁽²⁾‖²

Backward
  δ⁽³⁾ = a⁽³⁾ − y
  δ⁽²⁾ = (Θ̄⁽²⁾)ᵀδ⁽³⁾ ⊙ g′(z⁽²⁾)

Gradients
  ∂J/∂Θ⁽¹⁾ = δ⁽²⁾(a⁽¹⁾)ᵀ + (0, 0.1Θ̄⁽¹⁾)
  ∂J/∂Θ⁽²⁾ = δ⁽³⁾(a⁽²⁾)ᵀ + (0, 0.1Θ̄⁽²⁾)

g is sigmoid, g′(z) = g(z)(1 − g(z)).
δ⁽ˡ⁾ = ∂J/∂z⁽ˡ⁾, and ⊙ is entrywise.
y is the input t.
The first column of Θ⁽ˡ⁾ holds the biases; (1, a) is a with a 1 on top of it.
Θ̄⁽ˡ⁾ is Θ⁽ˡ⁾ without its first column.
(0, M) is M with a column of zeros in front.
0 · log 0 counts as 0.
"""

GATHERED = """\
Forward
  z¹ = w[i₁] x[i₂]
  a¹ = z¹
  C = (a¹)² + x[1:2] ⊙ w[0:1]

Backward
  δ¹ = 2a¹

Gradients
  ∂C/∂w[i₁] = δ¹x[i₂]ᵀ
  ∂C/∂w[0:1] += x[1:2]

δˡ = ∂C/∂zˡ, and ⊙ is entrywise.
Slices [from:to] count from 0 and leave out the last, as in Python.
+= adds to what is there, which is 0 at first.
i₁ = [1, 2, 0] of shape (1, 3): members counted from 0 along the rows, −1 for a zero.
i₂ = [0, 3, 4]: members counted from 0 along the rows, −1 for a zero.
"""


def test_the_network_of_the_post_of_2018_gives_its_equations():
    assert program_of().equations() == POST_OF_2018 + MEAN


def test_the_network_of_ml_15_gives_its_equations():
    assert program_of("binary_cross_entropy", (2, 2, 2, 1), ("sigmoid",) * 3).equations("theta") == ML_15 + MEAN


def test_the_network_of_the_deriving_post_gives_its_equations():
    assert program_of().equations("epsilon") == DERIVING_POST + MEAN


def test_the_network_of_reynoso_gives_his_equations():
    assert program_of().equations("prime") == REYNOSO + MEAN


def test_the_network_of_mehrotra_gives_his_equations():
    assert program_of().equations("parentheses") == MEHROTRA + MEAN


def test_the_penalty_of_ml_15_spares_the_bias_column():
    assert program_of("binary_cross_entropy", l2=0.1).equations("theta") == PENALISED + MEAN


def test_entries_that_form_no_pattern_are_gathered_by_indices_that_the_text_lists():
    x, w = leaves(range(5)), leaves([0.0, 0.1, 0.2], "w")
    cost = sum(w[k] * x[j] for k, j in enumerate([4, 0, 3])) ** 2 + x[1] * w[0]
    assert lift(cost, {"x": x}).equations() == GATHERED + MEAN


COSTS = {
    "half_squared_error": ("sigmoid", "½‖a² − t‖²", "(a² − t) ⊙ σ′(z²)"),
    "mse_loss": ("identity", "½‖a² − t‖²", "a² − t"),
    "binary_cross_entropy": ("sigmoid", "−tᵀ log(a²) − (1 − t)ᵀ log(1 − a²)", "a² − t"),
    "binary_cross_entropy_with_logits": ("identity", "Σ softplus(z²) − tᵀz²", "σ(z²) − t"),
    "cross_entropy": ("identity", "lse(z²) − tᵀz²", "softmax(z²) − t"),
    "hinge_loss": ("identity", "Σ relu(1 − t ⊙ a²)", "−t ⊙ [1 − t ⊙ a² > 0]"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_has_its_delta(loss):
    output, cost, delta = COSTS[loss]
    text = program_of(loss, activations=("sigmoid", output)).equations()
    assert section(text, "Forward")["C"] == cost
    assert section(text, "Backward") == {"δ²": delta, "δ¹": "(W²)ᵀδ² ⊙ σ′(z¹)"}


def test_a_mean_over_three_outputs_keeps_its_third():
    text = program_of("mse_loss", (3, 4, 3), ("sigmoid", "identity")).equations()
    assert section(text, "Forward")["C"] == "(1/3)‖a² − t‖²"
    assert section(text, "Backward")["δ²"] == "(2/3)(a² − t)"


DERIVATIVES = {
    "elu": "(1 if z > 0 else exp(min(z, 0)))",
    "gelu": "",  # its rule is long, and about rounding
    "leaky_relu": "(1 if z > 0 else 0.01)",
    "relu": "[z > 0]",
    "sigmoid": "σ(z)(1 − σ(z))",
    "silu": "sigmoid(z)(1 + z sigmoid(−z))",
    "sin": "cos(z)",
    "softplus": "sigmoid(z)",
    "tanh": "1 − σ(z)²",
}


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "identity"])
def test_each_activation_is_sigma_and_its_derivative_is_said(activation):
    text = program_of(activations=(activation, activation)).equations()
    assert section(text, "Backward") == {"δ²": "(a² − t) ⊙ σ′(z²)", "δ¹": "(W²)ᵀδ² ⊙ σ′(z¹)"}
    assert f"σ is {activation}, σ′(z) = {DERIVATIVES[activation]}" in text


def test_layers_without_an_activation_are_linear():
    text = program_of(activations=("identity", "identity")).equations()
    assert section(text, "Forward")["a¹"] == "z¹"
    assert section(text, "Backward") == {"δ²": "a² − t", "δ¹": "(W²)ᵀδ²"}


def test_different_activations_are_told_apart():
    text = program_of(activations=("relu", "tanh")).equations()
    assert section(text, "Backward") == {"δ²": "(a² − t) ⊙ σ₂′(z²)", "δ¹": "(W²)ᵀδ² ⊙ σ₁′(z¹)"}
    assert "σ₁ is relu, σ₁′(z) = [z > 0].\nσ₂ is tanh, σ₂′(z) = 1 − σ₂(z)².\n" in text


def test_layers_are_named_as_the_notation_counts_them():
    text = program_of(activations=("relu", "tanh")).equations("epsilon")
    assert section(text, "Forward")["a⁽³⁾"] == "σ₃(z⁽³⁾)"
    assert "σ₂ is relu" in text


# --- the same text however the graph was written -------------------------------------------------


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
    assert program.equations() == program_of(activations=("sigmoid", "identity")).equations()


# --- what is found by exact algebra --------------------------------------------------------------


def network(n_out=2, output="sigmoid", sizes=(3, 4)):
    model = nn.MLP(sizes[0], [*sizes[1:], n_out], ["sigmoid"] * (len(sizes) - 1) + [output], seed=2)
    x = leaves(np.linspace(0.2, 0.9, sizes[0]))
    return model(x), x


def test_sigmoid_and_cross_entropy_cancel_in_every_way_of_writing_them():
    def clipped(a, t):
        return -(t * log(a) + (1 - t) * log(1 - a))

    def factored(a, t):
        return -log(1 - a) - t * (log(a) - log(1 - a))

    def odds(a, t):
        return -log(1 - a) - t * log(a / (1 - a))

    for cost in (clipped, factored, odds):
        a, x = network()
        t = leaves([0.2, 0.7])
        program = lift(total([cost(p, q) for p, q in zip(a, t, strict=True)]), {"x": x, "t": t})
        assert backward(program)["δ²"] == "a² − t"


def test_the_cross_entropy_of_two_softplus_cancels():
    z, x = network(output="identity")
    t = leaves([0.2, 0.7])
    cost = total([q * (-p).softplus() + (1 - q) * p.softplus() for p, q in zip(z, t, strict=True)])
    assert backward(lift(cost, {"x": x, "t": t}))["δ²"] == "σ(z²) − t"


@pytest.mark.parametrize("target", [(0.25, 0.75), (0.25, 0.25)])
@pytest.mark.parametrize("way", ["softmax", "log_softmax", "by hand"])
def test_softmax_cancels_and_says_what_it_assumes_of_the_target(way, target):
    z, x = network(output="identity")
    t = leaves(target)
    if way == "softmax":
        logs = [log(p) for p in softmax(z)]
    elif way == "log_softmax":
        logs = log_softmax(z)
    else:
        powers = [exp(each) for each in z]
        logs = [log(each / sum(powers, 0.0)) for each in powers]
    program = lift(-total([q * each for q, each in zip(t, logs, strict=True)]), {"x": x, "t": t})
    text = program.equations()
    if sum(target) == 1.0:
        assert backward(program)["δ²"] == "softmax(z²) − t"
        assert "Assumed, checked on the recorded example and on no later one: the members of t sum to 1." in text
        assert "Without it:\n  δ² = " in text
    else:
        assert "Σ t" in backward(program)["δ²"]
        assert "Assumed" not in text


@pytest.mark.parametrize("other", [(0.5, 0.5), (0.5, 0.4)])
def test_what_is_assumed_of_the_target_is_checked_on_every_row_of_the_first_batch(other):
    parameters, bias = [Value(0.3, "w[0]"), Value(-0.2, "w[1]")], Value(0.1, "b")

    def cost(x, t):
        logs = [log(p) for p in softmax([w * x[0] + bias for w in parameters])]
        return -total([q * each for q, each in zip(t, logs, strict=True)])

    program = compile(cost)
    loss = program.value(x=[[1.0], [2.0], [3.0]], t=[(0.25, 0.75), (0.0, 1.0), other])
    assert np.isfinite(loss)
    text = program.equations()
    assert ("Assumed, checked on the recorded 3 examples" in text) == (sum(other) == 1.0)
    assert ("Assumed" in text) == (sum(other) == 1.0)


def test_logits_need_no_assumption():
    assert "Assumed" not in program_of("cross_entropy", activations=("sigmoid", "identity")).equations()


def test_a_factor_is_cancelled_within_another():
    """(1 − a²) / (1 − a) is 1 + a."""
    a, x = network(output="tanh")
    t = leaves([0.2, 0.7])
    cost = total([-log(1 - p) * q for p, q in zip(a, t, strict=True)])
    assert backward(lift(cost, {"x": x, "t": t}))["δ²"] == "t ⊙ (1 + a²)"


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
    assert section(program.equations(), "Forward")["s₁"] == "a¹ + a²"
    assert backward(program) == {
        "δ³": "(a³ + s₁ − t) ⊙ σ′(z³)",
        "∂C/∂s₁": "(W³)ᵀδ³ + a³ + s₁ − t",
        "δ²": "∂C/∂s₁ ⊙ σ′(z²)",
        "δ¹": "((W²)ᵀδ² + ∂C/∂s₁) ⊙ σ′(z¹)",
    }
    assert "The biases are written apart" in program.equations("theta")


def test_an_activation_that_the_loss_reads_keeps_the_biases_apart():
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    h = [z.tanh() for z in layer("1", x, 4, rng)]
    cost = squared_error(layer("2", h, 2, rng), t) + total([a * a for a in h])
    text = lift(cost, {"x": x, "t": t}).equations("theta")
    assert section(text, "Forward")["z⁽²⁾"] == "Θ⁽¹⁾a⁽¹⁾ + b⁽¹⁾"
    assert "The biases are written apart" in text


def test_a_concatenation_is_read_through_slices():
    rng = np.random.default_rng(1)
    x, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    h = [z.tanh() for z in layer("1", x, 4, rng)]
    program = lift(squared_error(layer("2", h + x, 2, rng), t), {"x": x, "t": t})
    text = program.equations()
    assert section(text, "Forward")["z²"] == "W²[:, 0:4] a¹ + W²[:, 4:7] a⁰ + b²"
    assert section(text, "Gradients")["∂C/∂W²[:, 4:7]"] == "δ²(a⁰)ᵀ"
    assert "Slices [from:to] count from 0" in text


def test_a_recurrence_adds_what_each_step_contributes():
    rng = np.random.default_rng(1)
    x1, x2, t = leaves(rng.normal(size=3)), leaves(rng.normal(size=3)), leaves(rng.normal(size=2))
    Wx = [[Value(rng.normal(), f"Wx[{j},{k}]") for k in range(3)] for j in range(4)]
    Wh = [[Value(rng.normal(), f"Wh[{j},{k}]") for k in range(4)] for j in range(4)]
    h = [affine(row, x1, 0.0).tanh() for row in Wx]
    h = [(affine(row, x2, 0.0) + affine(own, h, 0.0)).tanh() for row, own in zip(Wx, Wh, strict=True)]
    program = lift(squared_error(h[:2], t), {"x1": x1, "x2": x2, "t": t})
    assert "δ¹x₁ᵀ" in section(program.equations(), "Gradients")["∂C/∂Wx"]


def test_a_penalty_stands_last():
    text = program_of(l2=0.5).equations()
    assert section(text, "Forward")["C"] == "½‖a² − t‖² + ¼‖W¹‖² + ¼‖W²‖²"
    assert section(text, "Gradients")["∂C/∂W¹"] == "δ¹(a⁰)ᵀ + ½W¹"
    assert section(text, "Gradients")["∂C/∂b¹"] == "δ¹"


def test_a_batch_within_one_graph_is_a_matrix():
    """The shape of micrograd's demo: every example in one graph, a penalty, one loss."""
    model = nn.MLP(2, [4, 1], ["tanh", "identity"], seed=0)
    rows = np.random.default_rng(0).normal(size=(5, 2))
    scores = [model(row)[0] for row in rows.tolist()]
    losses = [(1.0 - target * score).relu() for target, score in zip([1.0, -1.0, 1.0, 1.0, -1.0], scores, strict=True)]
    text = lift(sum(losses, 0.0) * 0.2 + l2_penalty(model, 0.5)).equations()
    assert section(text, "Forward")["z¹"] == "W¹c₁ + b¹𝟏ᵀ"
    assert section(text, "Gradients")["∂C/∂b¹"] == "δ¹𝟏"
    assert "All this is for one example" not in text
    assert "c₁ = [" in text


def test_a_parameter_that_nothing_reads_has_derivative_zero():
    w, unused = Value(2.0, "w"), Value(1.0, "u")
    text = lift(w * w, parameters=[w, unused]).equations()
    assert section(text, "Gradients") == {"∂C/∂w": "2w", "∂C/∂u": "0"}


def test_a_root_that_is_a_parameter():
    w = Value(2.0, "w")
    assert section(lift(w, parameters=[w]).equations(), "Forward") == {"C": "w"}


def test_a_sum_is_said_to_be_one():
    w = Value(2.0, "w")
    x = leaves([1.0])
    assert "is the sum of those of its examples." in lift(w * x[0], {"x": x}, reduce="sum").equations()


@pytest.mark.parametrize(("notation", "error"), [("greek", ValueError), (1, TypeError)])
def test_an_unknown_notation_is_refused_by_naming_those_there_are(notation, error):
    program: Program = program_of()
    for text in (program.equations, program.latex):
        with pytest.raises(error, match="superscript, theta, epsilon, prime, parentheses"):
            text(notation)


# --- LaTeX ---------------------------------------------------------------------------------------


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


def test_latex_of_parts_choices_quotients_and_stacks():
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
        r"\begin{bmatrix} \frac{\partial C}{\partial \mathrm{gain}} \\ \frac{\partial C}{\partial v} \\ ",
        r"{1 + {\left({W_{o}}_{[1:2]}\right)}^{2}}",
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
