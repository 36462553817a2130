"""No overflow in a compiled program stays silent, also where NumPy does not signal it.

Old versions of `np.dot`, threads of BLAS and `np.einsum` return infinity without a word. Here `np.dot` never signals,
so that the tests hold the code to its own checks, whatever NumPy they run on.
"""

from __future__ import annotations

import numpy as np
import pytest

from autograd import DomainError, Value, affine, compile, exp, total

MANY = 6000  # parameters, so many that not every number of the gradient is looked at


@pytest.fixture(autouse=True)
def _silent_products(monkeypatch):
    dot = np.dot

    def silent(*args):
        with np.errstate(all="ignore"):
            return dot(*args)

    monkeypatch.setattr(np, "dot", silent)


def _many(number=0.001):
    return [Value(number) for _ in range(MANY)]


def test_a_sum_over_the_batch_that_overflows_is_found():
    w, b = _many(), [Value(0.0) for _ in range(3)]
    program = compile(
        lambda x: total([exp((each + x[0]) * x[2]) for each in b]) + total([v * x[1] for v in w]), reduce="sum"
    )
    program.value_and_grad(x=[[0.1, 1.0, 1.0], [0.2, 1.0, 2.0]])
    large = np.log(5e306) / 20
    with pytest.raises(DomainError, match="not finite"):
        program.value_and_grad(x=[[large, 1.0, 20.0], [large, 1.0, 20.0]])


def test_an_adjoint_behind_large_weights_that_overflows_is_found_to_count_for_nothing():
    # The hidden values are 0, so the forward pass does not show how large the weights behind them are. The adjoints of
    # the hidden values are beyond all floats, and multiply inputs that are 0.
    W = [[Value(0.001) for _ in range(600)] for _ in range(10)]
    V = [[Value(0.1) for _ in range(10)] for _ in range(3)]
    for layer in (lambda row, x: affine(row, x), lambda row, x: affine(row, x) * x[0]):
        program = compile(
            lambda x, t, layer=layer: total(
                [(affine(row, [layer(each, x) for each in W]) - t[k]) ** 2 for k, row in enumerate(V)]
            ),
            parameters={"W": W, "V": V},
        )
        program.value_and_grad(x=np.ones((2, 600)), t=np.ones((2, 3)))
        program.parameters["V"] = np.full((3, 10), 1e170)
        assert program.value(x=np.zeros((2, 600)), t=np.full((2, 3), 1e140)) == pytest.approx(3e280)
        _, gradients = program.value_and_grad(x=np.zeros((2, 600)), t=np.full((2, 3), 1e140))
        assert not gradients["W"].any()
        assert not gradients["V"].any()


def test_a_gradient_of_weights_before_which_a_value_is_large_is_found():
    W = [[Value(0.001) for _ in range(600)] for _ in range(10)]
    V = [[Value(1e-300) for _ in range(10)] for _ in range(3)]
    for activation in (exp, lambda z: exp(z).relu()):
        program = compile(
            lambda x, t, activation=activation: total(
                [(affine(row, [activation(affine(each, x)) for each in W]) - t[k]) ** 2 for k, row in enumerate(V)]
            ),
            parameters={"W": W, "V": V},
        )
        program.value_and_grad(x=np.ones((2, 600)), t=np.ones((2, 3)))
        X = np.full((2, 600), 690 / 0.6)
        assert np.isfinite(program.value(x=X, t=np.full((2, 3), 1e20)))
        with pytest.raises(DomainError, match="not finite"):
            program.value_and_grad(x=X, t=np.full((2, 3), 1e20))
