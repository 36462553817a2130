"""A report is told in the letters of a text, or in those that the names in the code suggest; code stays as it is."""

import re

import numpy as np
import pytest

import viz
from autograd import Value
from autograd.lift.write.notation import NOTATIONS
from nn import MLP, check_backprop
from nn.__main__ import main
from nn.referee.symbols import symbols_named
from tests.sampled import sampled

MODEL = MLP(3, [4, 2], activation="tanh", seed=0)
RNG = np.random.default_rng(0)
X, T = RNG.normal(size=(5, 3)), RNG.uniform(size=(5, 2))


def of_targets_y(weights, biases, X, y):
    a = np.tanh(X @ weights[0].T + biases[0])
    output = a @ weights[1].T + biases[1]
    d2 = (output - y) * output / len(X)
    d1 = d2 @ weights[1] * (1 - a**2)
    return [d1.T @ X, d2.T @ a], [d1.sum(axis=0), d2.sum(axis=0)]


def of_targets_t(weights, biases, X, T):
    w1, w2 = weights
    a = np.tanh(X @ w1.T + biases[0])
    output = a @ w2.T + biases[1]
    J = ((output - T) ** 2).sum() / 2 / len(X)
    d2 = (output - T) / len(X) if np.isfinite(J) else 0
    d1 = d2 @ w2 * a
    return [d1.T @ X, d2.T @ a], [d1.sum(axis=0), d2.sum(axis=0)]


def report(function, **options):
    return check_backprop(function, MODEL, X, T, "half_squared_error", **options)


EXPECTED = {
    "superscript": ("a¹", "σ′(z¹)", "∂C/∂W¹", "∂C/∂b¹"),
    "theta": ("a⁽²⁾", "g′(z⁽²⁾)", "∂J/∂Θ⁽¹⁾", "∂J/∂Θ⁽¹⁾₀"),
    "epsilon": ("a⁽²⁾", "σ′(z⁽²⁾)", "∂J/∂W⁽¹⁾", "∂J/∂b⁽¹⁾"),
    "prime": ("a¹", "a′¹", "∂C/∂w¹", "∂C/∂b¹"),
    "parentheses": ("a¹", "σ′(z¹)", "∂C/∂w¹", "∂C/∂b¹"),
    "nielsen": ("a²", "σ′(z²)", "∂C/∂w²", "∂C/∂b²"),
    "cs231n": ("a1", "σ′(z1)", "dW1", "db1"),
}


@pytest.mark.parametrize("notation", sampled(NOTATIONS, 3))
def test_the_letters_of_each_document_are_used_and_the_code_is_kept(notation):
    stands, belongs, W, b = EXPECTED[notation]
    found = report(of_targets_t, notation=notation)
    text = str(found)
    assert f"`a` is {stands}; {belongs} belongs here." in text
    assert f"This makes {W} and {b} right." in text
    assert "Corrected: d1 = d2 @ w2 * (1 - a ** 2)" in text
    assert max(map(len, text.splitlines())) <= 80
    told = found.to_dict()
    assert (told["notation"], told["corrections"][0]["belongs"]) == (notation, belongs)
    assert [each["name"] for each in told["arrays"][2:]] == [W, b]
    assert W in viz.to_html(found)
    with pytest.raises(AssertionError, match=re.escape(stands)):
        found.assert_ok()
    by_numbers = str(report(of_targets_t, notation=notation, time_limit=0))
    assert f"{W} is wrong." in by_numbers
    if notation != "superscript":
        n = NOTATIONS[notation]
        assert not re.search("[aδzWσ][⁰¹²³]" if n.parenthesised or n.differential else "W[⁰¹²³]|∂W", text + by_numbers)


def test_a_notation_counts_its_layers_in_every_sign():
    write = symbols_named("theta", ())
    assert write("δ² = ((W³)ᵀ δ³) ⊙ σ′(z²)") == "δ⁽³⁾ = ((Θ⁽³⁾)ᵀ δ⁽⁴⁾) ⊙ g′(z⁽³⁾)"
    assert write("a¹¹ − t, don't touch `W¹ - t` nor text") == "a⁽¹²⁾ − y, don't touch `W¹ - t` nor text"
    assert write("∇ₐC ⊙ σ′") == "∇ₐJ ⊙ g′"


def test_the_names_in_the_code_suggest_the_letters():
    assert "a² − y belongs here" in str(report(of_targets_y))
    told = str(report(of_targets_t))
    assert "∂J/∂w¹" in told
    assert "∂C" not in told
    assert report(of_targets_t, notation="superscript").symbols.notation == NOTATIONS["superscript"]


NAMES = {  # what a backward pass calls its variables, and what is then said of a², W², t and δ² of two layers
    "a1 z1 delta2 W1": "a² W² y δ²",
    "nabla_w nabla_b delta": "a³ w³ y δ³",
    "Theta1 Theta2 d3 d2": "a⁽³⁾ Θ⁽²⁾ y δ⁽³⁾",
    "Theta1 Theta2 d1 d2": "a⁽²⁾ Θ⁽²⁾ y δ⁽²⁾",
    "theta W1 W2": "a² W² y δ²",
    "dscores cache dW": "a2 W2 y dz2",
    "z2 a2 z3 a3 W1 W2": "a³ W² y δ³",
    "w2 w3 z2 z3": "a³ w³ y δ³",
    "w1 J": "a² w² y δ²",
}


@pytest.mark.parametrize("names", NAMES)
def test_the_letters_and_the_count_of_layers_are_those_of_the_names(names):
    held = {}
    exec(f"def my_backprop(weights, biases, X, y):\n {' = '.join(names.split())} = 0", held)
    assert symbols_named(None, [held["my_backprop"]], 2)("a² W² t δ²") == NAMES[names]
    if names.startswith("nabla"):
        exec(f"def of_t(net, X, T):\n return inner(X)\ndef inner(X):\n {' = '.join(names.split())} = 0", held)
        assert symbols_named(None, [held["of_t"]], 2)("a² W² t δ²") == NAMES[names].replace("y", "t")


class Cubed:
    """A network that is no MLP; its parameters have the names of signs."""

    def __init__(self):
        self.W, self.b = np.array([Value(0.5), Value(-1.0)]), Value(0.25)

    def __call__(self, x):
        return [(self.W @ np.array(x) + self.b) ** 3]


def of_cubes(W, b, X, y):
    u = X @ W + b
    dout = (u**3 - y[:, 0]) * 3 * u / len(X)
    return {"W": X.T @ dout, "b": dout.sum()}


LETTERS_OF_CUBES = {
    None: ("scores − y", "dW"),
    "superscript": ("y − t", "∂C/∂W"),
    "theta": ("ŷ − y", "∂J/∂W"),
    "nielsen": ("a − y", "∂C/∂W"),
    "cs231n": ("scores − y", "dW"),
}


@pytest.mark.parametrize("notation", sampled(LETTERS_OF_CUBES, 2))
def test_a_network_that_is_no_mlp_has_letters_too_and_its_parameters_keep_their_names(notation):
    error, gradient = LETTERS_OF_CUBES[notation]
    text = str(check_backprop(of_cubes, Cubed(), X[:, :2], T[:, :1], "half_squared_error", notation=notation))
    assert re.search(rf"^  {gradient}  wrong", text, re.MULTILINE)
    assert f"3·({error}) ⊙ (xW + b); the factor `u` is missing." in " ".join(text.split())
    assert f"This makes {gradient} and {gradient[:-1]}b right." in text, text


def test_a_notation_that_is_not_known_is_refused_at_once():
    with pytest.raises(ValueError, match=r"notation must be one of superscript, .*, cs231n, got 'bishop'"):
        report(of_targets_t, notation="bishop")
    with pytest.raises(TypeError, match="a notation is chosen by its name"):
        report(of_targets_t, notation=1)


def test_the_command_takes_it_from_its_option_or_the_file(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text("NOTATION = 'theta'\n\ndef my_backprop(weights, biases, X, T):\n    return weights, biases\n")
    for options, expected in (([], "∂J/∂Θ"), (["--notation", "prime"], "∂C/∂w")):
        assert main(["check", str(path), "--time-limit", "0", "--in-process", *options]) == 1
        assert expected in capsys.readouterr().out
    assert main(["check", str(path), "--time-limit", "0", "--notation", "prime"]) == 1
    assert "∂C/∂w" in capsys.readouterr().out
