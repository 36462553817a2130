"""`python -m nn derive` prints the equations of the network that was asked for, or one line on what is wrong."""

import pytest

from nn.__main__ import main
from nn.commands.derive import program_of
from nn.loss.losses import LOSSES
from nn.model.activations import ACTIVATIONS


def printed(capsys, *arguments):
    assert main(["derive", *arguments]) == 0
    return capsys.readouterr().out


def test_the_network_of_the_post_of_2018_is_derived(capsys):
    text = printed(capsys, "3-4-2", "--activation", "sigmoid", "--loss", "half_squared_error")
    for line in (
        "z¹ = W¹a⁰ + b¹",
        "a¹ = σ(z¹)",
        "δ² = (a² − t) ⊙ σ′(z²)",
        "δ¹ = (W²)ᵀδ² ⊙ σ′(z¹)",
        "∂C/∂W² = δ²(a¹)ᵀ",
        "∂C/∂b² = δ²",
    ):
        assert f"  {line}\n" in text


def test_notation_and_penalty_are_taken(capsys):
    text = printed(capsys, "2-3-1", "--loss", "binary_cross_entropy", "--notation", "theta", "--l2", "0.1")
    assert "  δ⁽³⁾ = a⁽³⁾ − y\n" in text
    assert "(0, 0.1Θ̄⁽¹⁾)" in text


def test_latex_is_printed(capsys):
    assert r"\delta^{2} &= \mathrm{softmax}\left(z^{2}\right) - t" in printed(
        capsys, "3-4-2", "--loss", "cross_entropy", "--latex"
    )


def test_a_module_is_printed_that_runs(capsys):
    text = printed(capsys, "3-4-2", "--numpy")
    compile(text, "derived", "exec")
    assert "import numpy" in text


@pytest.mark.parametrize(
    "loss", [pytest.param(loss, marks=() if loss == "cross_entropy" else pytest.mark.slow) for loss in LOSSES]
)
def test_every_loss_goes_with_every_activation(loss):
    for activation in ACTIVATIONS:
        assert "δ¹ = " in program_of([2, 3, 2], activation, activation, loss).equations()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["3"], "SIZES must list at least two sizes, such as 3-4-2, got '3'"),
        (["3-0"], "got '3-0'"),
        (["3-2", "--loss", "nothing"], "invalid choice: 'nothing'"),
        (["3-2", "--notation", "greek"], "invalid choice: 'greek'"),
        (["3-2", "--latex", "--numpy"], "not allowed with argument"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["derive", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("notation", "equations"),
    [
        ("nielsen", ["δ² = (w³)ᵀδ³ ⊙ σ′(z²)", "∂C/∂w² = δ²(a¹)ᵀ", "δˡ = ∂C/∂zˡ"]),
        ("cs231n", ["dz¹ = (W²)ᵀ dz² ⊙ σ′(z¹)", "dW¹ = dz¹(a⁰)ᵀ", "dzˡ = ∂L/∂zˡ"]),
    ],
)
def test_the_letters_of_the_referee_are_those_of_equations_too(notation, equations, capsys):
    text = printed(capsys, "3-4-2", "--notation", notation)
    for equation in equations:
        assert equation in text
