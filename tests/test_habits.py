"""Whoever writes what they would write elsewhere is told what to write here, and the advice works."""

import importlib
import math
import re

import numpy as np
import pytest

import autograd
import nn
import viz
from autograd import Value, habits
from nn import habits as nn_habits
from nn.commands.formula import value_of

MODEL = nn.MLP(2, [3, 1], seed=0)
X, T = [[0.1, 0.2], [0.3, -0.4]], [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("owner", "table"),
    [
        (Value(2.0), habits.VALUE),
        (autograd, habits.MODULE),
        (nn, nn_habits.PACKAGE),
        (MODEL, nn_habits.MODEL),
        (MODEL(X[0]), nn_habits.OUTPUTS),
    ],
    ids=["Value", "autograd", "nn", "model", "outputs"],
)
def test_a_name_of_another_library_is_answered_with_what_to_write(owner, table):
    for name, advice in table.items():
        if name == "numpy" and owner is autograd:
            continue  # imported, it says so itself
        with pytest.raises(AttributeError, match=re.escape(f"no attribute {name!r}: {advice}")):
            getattr(owner, name)
    with pytest.raises(AttributeError, match=r"has no attribute 'nonsense'$"):
        owner.nonsense  # noqa: B018  # the access is the test


@pytest.mark.parametrize("table", [habits.VALUE, habits.MODULE, nn_habits.PACKAGE, nn_habits.MODEL, nn_habits.OUTPUTS])
def test_what_the_advice_names_exists(table):
    for advice in table.values():
        for package, name in re.findall(r"\b(autograd|nn|viz)\.(\w+)", advice):
            if (package, name) != ("autograd", "numpy"):
                assert hasattr({"autograd": autograd, "nn": nn, "viz": viz}[package], name), advice
        for name in re.findall(r"\bmodel\.(\w+)", advice):
            assert hasattr(MODEL, name) or name in ("npz",), advice
        for name in re.findall(r"\bv\.(\w+)", advice):
            assert hasattr(Value(1.0), name), advice


def test_what_an_operation_is_called_elsewhere_is_one_of_the_table():
    from nn.commands.formula import ELSEWHERE, OPERATIONS

    assert set(ELSEWHERE.values()) <= set(OPERATIONS)


@pytest.mark.parametrize("function", [float, math.exp, math.sqrt, lambda v: f"{v:.2f}" and float(v), complex])
def test_a_value_is_no_float_and_says_what_to_write(function):
    with pytest.raises(TypeError, match=r"v\.data is its number, .*autograd\.exp\(v\)"):
        function(Value(2.0, "x"))


def test_an_array_of_floats_is_not_made_of_values():
    with pytest.raises((TypeError, ValueError), match=r"v\.data is its number|setting an array"):
        np.array([Value(1.0)], dtype=float)
    assert np.array([Value(1.0)]).dtype == object


def test_the_product_of_matrices_is_asked_of_arrays():
    for product in (lambda: Value(1.0) @ Value(2.0), lambda: [1.0] @ Value(2.0)):
        with pytest.raises(TypeError, match=r"np.array\(W\) @ np.array\(x\)"):
            product()
    W = np.array([[Value(1.0), Value(2.0)]])
    assert (W @ np.array([3.0, 4.0]))[0].data == 11.0


def test_the_module_of_another_library_says_why_it_is_not_here():
    with pytest.raises(ImportError, match=r"import numpy as np.*environments of their own"):
        importlib.import_module("autograd.numpy")


def test_divergence_is_called_by_its_name_with_its_rate_and_what_to_try():
    def train(rate, norm=None):
        model = nn.MLP(1, [4, 1], activation="relu", seed=0)
        x = np.linspace(-3.0, 3.0, 20)[:, None]
        sgd = nn.SGD(model.parameters(), learning_rate=rate)
        return nn.fit(model, x, x**3, loss="mse_loss", optimizer=sgd, epochs=40, batch_size=4, seed=0, max_norm=norm)

    with pytest.raises(ArithmeticError) as caught:
        train(1.0)
    note = caught.value.__notes__[-1]
    assert note.startswith("training diverged at learning_rate=1: try learning_rate=0.1")
    assert "max_norm=1.0" in note
    assert np.isfinite(train(0.01, 1.0).loss).all()  # what the note says, done


@pytest.mark.parametrize("kind", [nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop])
def test_a_hyperparameter_by_its_name_elsewhere_is_answered_with_its_name_here(kind):
    with pytest.raises(TypeError, match=rf"^{kind.__name__} has no argument 'lr': it is called learning_rate here$"):
        kind(MODEL.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
        kind(MODEL.parameters(), 0.1, nonsense=1)

    class Own(kind):
        def __init__(self, parameters, lr):
            super().__init__(parameters, lr)

    assert Own(MODEL.parameters(), lr=0.1).learning_rate == 0.1


def test_a_model_is_drawn_by_what_the_error_says():
    with pytest.raises(TypeError, match=r"viz\.draw_network\(model\)"):
        viz.draw(MODEL)
    assert viz.draw_network(MODEL).source
    with pytest.raises(TypeError, match=r"model\(x\)\[0\]"):
        viz.draw(MODEL(X[0]))


def test_what_is_no_rows_becomes_rows_by_what_the_error_says():
    for given, name in ((X[0], "X"), (np.array(X[0]), "X")):
        with pytest.raises(ValueError, match="a row of one example's numbers") as error:
            MODEL.predict(given)
        advice = re.search(r"(\S+\[None, :\]) a row of", str(error.value))[1]
        assert MODEL.predict(eval(advice, {"np": np, name: given})).shape == (1, 1)
    with pytest.raises(ValueError, match=r"np.asarray\(X\).reshape\(len\(X\), -1\)"):
        MODEL.predict([[[0.1], [0.2]]])


@pytest.mark.parametrize(
    ("formula", "advice"),
    [
        ("x^2", "a power is written **"),
        ("x²", "write **2 for ²"),
        ("2·x", "write * for ·"),
        ("2x + 1", "a product needs its sign: 2*x"),
        ("3(x + 1)", "a product needs its sign: 3*("),
        ("(x + 1)x", "a product needs its sign: )*x"),
        ("√(x)", "write sqrt for √"),
        ("ln(x)", "it is called log here"),
        ("sum(x, x)", "it is called total here"),
        ("sigma(x)", "it is called sigmoid here"),
        ("tanhh(x)", "did you mean 'tanh'"),
    ],
)
def test_a_formula_as_on_paper_is_answered_with_what_to_type(formula, advice):
    with pytest.raises(ValueError, match=re.escape(advice)):
        value_of(formula, {"x": 1.0})


@pytest.mark.parametrize("formula", ["1e5*x", "2*x1", "exp(x)*x1", "x1**2", "1.5e-3*x"])
def test_a_formula_that_is_right_is_not_taken_for_one_without_signs(formula):
    from nn.commands.formula import _advice, variables

    assert _advice(formula) == ""
    assert variables(formula)


@pytest.mark.parametrize("owner", [Value(2.0), MODEL, MODEL(X[0])], ids=["Value", "model", "outputs"])
def test_what_is_only_answered_is_not_listed_and_costs_attributes_nothing(owner):
    """With `__getattr__`, CPython does not cache where attributes are kept, and a reverse pass takes twice as long."""
    assert not any("__getattr__" in vars(kind) for kind in type(owner).__mro__)
    table = {Value: habits.VALUE, type(MODEL): nn_habits.MODEL}.get(type(owner), nn_habits.OUTPUTS)
    assert not set(dir(owner)) & set(table)
    assert "data" in dir(Value(1.0))
    assert not any(hasattr(owner, name) for name in table)
