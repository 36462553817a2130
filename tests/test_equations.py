"""The printed equations: golden texts of the documents' networks, and what each loss and activation puts into them."""

import pytest

from autograd import Value
from autograd.lift import Program, lift
from nn.loss.losses import LOSSES
from nn.model.activations import ACTIVATIONS
from tests.equation_programs import COSTS, leaves, program_of, section

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
  y = Σₙ wₙx[i₁ₙ]
  C = w₁x₂ + y²
Backward
  δy = 2y
Gradients
  ∂C/∂w₁ = x₂ + δy x₅
  ∂C/∂wₙ = δy x[i₁ₙ], n = 2, 3

δv is ∂C/∂v.
i₁ = [5, 1, 4], indices.
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
    assert lift(cost, {"x": x}).equations("superscript") == GATHERED + MEAN


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


def test_a_sum_is_said_to_be_one():
    w = Value(2.0, "w")
    x = leaves([1.0])
    assert "is the sum of those of its examples." in lift(w * x[0], {"x": x}, reduce="sum").equations("superscript")


@pytest.mark.parametrize(("notation", "error"), [("greek", ValueError), (1, TypeError)])
def test_an_unknown_notation_is_refused_by_naming_those_there_are(notation, error):
    program: Program = program_of()
    for text in (program.equations, program.latex):
        with pytest.raises(error, match="superscript, theta, epsilon, prime, parentheses"):
            text(notation)
