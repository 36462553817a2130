"""Laws of the transformations: agreement with each other, with closed forms and with mpmath."""

import gc
import math
import weakref

import mpmath
import numpy as np
import pytest

from autograd import (
    DomainError,
    Op,
    Value,
    affine,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    logsumexp,
    maximum,
    no_grad,
    tangent,
    total,
    value_and_grad,
    vjp,
)
from autograd.graph import Graph
from autograd.linearization import Linearization

ROUNDING = 1e-13  # a few dozen operations of 1e-16 each
W = np.array([[0.3, -1.1, 0.7], [0.9, 0.2, -0.4]])


def norm_of_layer(x):
    """A function of a vector that uses matrix products, NumPy functions and reductions."""
    return (np.tanh(W @ x) ** 2).sum() + logsumexp(x) * x[0]


def layer(x):
    return np.tanh(W @ x)


X = np.array([0.4, -0.2, 1.3])
V = np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("at", [0.0, 1.7, -2.3])
def test_powers_are_right_to_every_order(n, at):
    """d^k xⁿ/dx^k = n!/(n−k)! x^(n−k), also at 0, where x to a negative power would be undefined."""

    def derivative(x):
        return x**n

    for order in range(1, n + 2):
        derivative = grad(derivative)
        expected = math.perm(n, order) * at ** (n - order) if order <= n else 0.0
        assert derivative(at) == pytest.approx(expected, rel=ROUNDING, abs=0.0)


def test_derivatives_of_tanh_agree_with_mpmath_to_fifth_order():
    derivative = Value.tanh
    for order in range(1, 6):
        derivative = grad(derivative)
        with mpmath.workdps(50):
            expected = float(mpmath.diff(mpmath.tanh, mpmath.mpf("0.7"), order))
        assert derivative(0.7) == pytest.approx(expected, rel=1e-12, abs=0.0)  # terms of alternating sign cancel


def test_an_inner_derivative_keeps_apart_from_the_outer_variable():
    """d/dx [x · ∂(xy)/∂y at y = x] = d/dx x² and not d/dx 2x²: the inner y is a variable of its own."""
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0


def test_an_inner_derivative_depends_on_outer_variables_of_its_closure():
    assert grad(lambda x: grad(lambda y: x * x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: jvp(lambda y: x * x * y, (2.0,), (1.0,))[1])(3.0) == 6.0
    assert grad(lambda x: vjp(lambda y: y * y, 3.0)[1](x)[0])(2.0) == 6.0
    assert grad(lambda x: hvp(lambda y: x * y[0] * y[1], [1.0, 1.0], [1.0, 0.0])[1])(2.0) == 1.0
    assert jacobian(lambda x: hessian(lambda y: x[0] * y**3)(2.0))([1.0]) == [12.0]


def test_hessian_is_the_jacobian_of_the_gradient_and_symmetric():
    H = hessian(norm_of_layer)(X)
    np.testing.assert_allclose(H, jacobian(grad(norm_of_layer))(X), rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(H, H.T, rtol=ROUNDING, atol=ROUNDING)


def test_hvp_is_the_hessian_times_the_vector():
    np.testing.assert_allclose(hvp(norm_of_layer, X, V), hessian(norm_of_layer)(X) @ V, rtol=ROUNDING)


def test_gradient_agrees_with_central_differences():
    step = 1e-5  # the error is of order step² and rounding / step, 1e-10
    slopes = [
        (value_and_grad(norm_of_layer)(X + step * e)[0] - value_and_grad(norm_of_layer)(X - step * e)[0]) / (2 * step)
        for e in np.eye(3)
    ]
    np.testing.assert_allclose(grad(norm_of_layer)(X), slopes, rtol=1e-8)


def test_jacobian_is_the_same_in_rows_by_vjp_and_in_columns_by_jvp():
    J = jacobian(layer)(X)
    out, pull = vjp(layer, X)
    np.testing.assert_allclose(out, np.tanh(W @ X), rtol=ROUNDING)
    np.testing.assert_allclose([pull(e)[0] for e in np.eye(2)], J, rtol=ROUNDING)
    np.testing.assert_allclose([jvp(layer, (X,), (e,))[1] for e in np.eye(3)], J.T, rtol=ROUNDING)
    np.testing.assert_allclose(J, (1 - np.tanh(W @ X) ** 2)[:, None] * W, rtol=ROUNDING)


def test_jacobian_has_the_shape_of_output_then_argument():
    assert jacobian(lambda x: x * 2.0)(np.ones((2, 3))).shape == (2, 3, 2, 3)
    assert jacobian(lambda x: x.sum())(np.ones((2, 3))).shape == (2, 3)
    assert jacobian(lambda x: {"double": 2.0 * x[0], "product": x[0] * x[1]})([3.0, 5.0]) == {
        "double": [2.0, 0.0],
        "product": [5.0, 3.0],
    }
    assert jacobian(lambda x, y: y * 2.0 + x, argnums=1)(1.0, 3.0) == 2.0


def test_results_have_the_structure_of_the_argument_and_hold_floats():
    slopes = grad(lambda p: affine(p["w"], p["x"][0], p["b"]))({"w": (1.0, 2.0), "x": [np.array([3.0, 4.0])], "b": 5})
    assert list(slopes) == ["w", "x", "b"]
    assert slopes["w"] == (3.0, 4.0)
    assert type(slopes["w"][0]) is float
    assert slopes["x"][0].dtype == float
    assert slopes["x"][0].tolist() == [1.0, 2.0]
    assert slopes["b"] == 1.0


def test_argnums_choose_arguments_also_from_the_end():
    def f(x, y, scale=1.0):
        return scale * x * y * y

    assert grad(f, 1)(2.0, 3.0) == 12.0
    assert grad(f, -1)(2.0, 3.0, scale=2.0) == 24.0
    assert value_and_grad(f, (1, 0))(2.0, 3.0) == (18.0, (12.0, 9.0))
    with pytest.raises(TypeError, match="argnums names argument 2"):
        grad(f, 2)(2.0, 3.0)


def test_argnums_may_be_any_integers_and_name_each_argument_once():
    def f(x, y):
        return x * y * y

    assert grad(f, np.int64(1))(2.0, 3.0) == jacobian(f, np.int64(1))(2.0, 3.0) == 12.0
    assert value_and_grad(f, np.array([1, 0]))(2.0, 3.0) == (18.0, (12.0, 9.0))
    for argnums in ((0, 0), (1, -1), ()):
        with pytest.raises(ValueError, match="argnums must name arguments, each once"):
            grad(f, argnums)(2.0, 3.0)
    for argnums in (0.0, "0"):
        with pytest.raises(TypeError, match="integer"):
            grad(f, argnums)(2.0, 3.0)
    with pytest.raises(TypeError, match="integer"):
        hessian(f, (0, 1))(2.0, 3.0)


def test_an_array_of_no_dimension_is_a_number():
    x = np.array(3.0)
    for fun, slope in ((lambda x: x, 1.0), (lambda x: x * x, 6.0), (np.tanh, 1.0 - math.tanh(3.0) ** 2)):
        for found in (grad(fun)(x), jacobian(fun)(x), jvp(fun, (x,), (np.array(1.0),))[1]):
            assert (np.shape(found), float(found)) == ((), pytest.approx(slope, rel=ROUNDING, abs=0.0))
    assert value_and_grad(lambda x: x)(x) == (3.0, 1.0)
    with pytest.raises(ValueError, match=r"structure of primal 0, one number, got an array of shape \(\)"):
        jvp(lambda x: x, (3.0,), (np.array(1.0),))


def test_parameters_used_by_a_function_are_constants_and_keep_their_gradients():
    w = Value(3.0, "w")
    w.grad = 7.0
    assert grad(lambda x: w * x * x)(2.0) == 12.0
    assert w.grad == 7.0


def test_a_value_as_argument_gives_a_graph_to_go_on_from():
    x = Value(2.0)
    slope = grad(lambda t: t**3)(x)
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)


def test_transformations_record_inside_no_grad():
    x = Value(2.0)
    cube = x**3
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert hessian(lambda x: x**3)(2.0) == 12.0
        assert gradients(gradients(cube, [x], create_graph=True)[0], x) == 12.0
        assert Value(1.0).exp().is_leaf


@pytest.mark.parametrize("fun", [lambda x: np.where(x > 0, 1.0, 0.0), lambda _: 3.0, lambda x: np.maximum(x.data, 0)])
@pytest.mark.parametrize("transformation", [grad, jacobian, hessian])
def test_a_result_without_a_graph_is_refused(transformation, fun):
    with pytest.raises(TypeError, match=r"number .*np\.where .* select instead of recording"):
        transformation(fun)(2.0)


@pytest.mark.parametrize("fun", [lambda x: [x, x], lambda x: np.array([x]), lambda x: {"y": x}])
def test_a_gradient_needs_one_output(fun):
    with pytest.raises(TypeError, match="returns one Value"):
        grad(fun)(2.0)


@pytest.mark.parametrize("argument", ["1.0", True, None, 1j, np.array([True]), {1.0}])
def test_arguments_that_are_not_numbers_are_refused(argument):
    with pytest.raises(TypeError, match="argument 0 needs"):
        grad(lambda x: x)(argument)


def test_a_cotangent_or_tangent_of_another_structure_is_refused():
    _, pull = vjp(layer, X)
    with pytest.raises(ValueError, match=r"structure of the output, an array of shape \(2,\)"):
        pull(np.ones(3))
    with pytest.raises(ValueError, match="structure of primal 0"):
        jvp(layer, (X,), ([1.0, 2.0, 3.0],))
    with pytest.raises(ValueError, match="one tangent a primal"):
        jvp(layer, (X,), ())


def test_an_undefined_derivative_is_refused_by_name():
    with pytest.raises(DomainError, match=r"derivative of sqrt 0\.0 is needed where it is undefined"):
        grad(lambda x: x.sqrt())(0.0)


def test_an_undefined_derivative_that_is_not_needed_is_left_out():
    assert grad(lambda x: x[0].sqrt() * 0.0 + x[1])([0.0, 2.0]) == [0.0, 1.0]
    assert grad(lambda x: maximum(x, 1.0) ** 0.5)(0.0) == 0.0


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_graph_whose_derivative_is_undefined_is_freed_at_once(create_graph):
    x, y = Value(0.0), Value(2.0)
    out = total([x.sqrt() * 0.0, y * y, logsumexp([x, y])])
    node = weakref.ref(out.operands[0])
    gc.disable()
    try:
        gradients(out, [x, y], create_graph=create_graph)
        with pytest.raises(DomainError, match="undefined"):
            gradients(out + x.sqrt(), [x], create_graph=create_graph)
        del out
        assert node() is None
    finally:
        gc.enable()


def test_a_derivative_that_overflows_is_refused():
    with pytest.raises(DomainError, match="not finite"):
        grad(lambda x: x * 1e200 * 1e200)(1e-300)
    assert grad(lambda x: (x * 1e-200) * 1e200 * 1e200)(1e-100) == pytest.approx(1e200, rel=1e-15)
    with pytest.raises(DomainError, match="not finite"):
        jvp(lambda x: (x * 1e-200) * 1e200 * 1e200, (1e-100,), (1e200,))


@pytest.mark.parametrize("x", [1e-200, [1e-200] * 2, [1e-200] * 3])
def test_a_jacobian_that_overflows_is_refused_without_a_warning(x):
    with pytest.raises(DomainError, match="not finite"):
        jacobian(lambda x: [v * 1e200 * 1e200 for v in (x if isinstance(x, list) else [x])][:2])(x)


def test_a_rule_that_is_not_written_with_operations_is_named_when_it_is_to_be_differentiated():
    sine = Op("sine", forward=math.sin, partials=(lambda out, x: math.cos(x),))
    assert grad(sine)(1.0) == math.cos(1.0)
    with pytest.raises(TypeError) as error:
        grad(grad(sine))(1.0)
    assert error.value.__notes__ == ["The partial derivatives of sine are to be written with operations."]


# --- gradients ----------------------------------------------------------------------------------


def test_gradients_of_a_graph_agree_with_backward_and_leave_grad_alone():
    x, y = Value(0.7, "x"), Value(-0.3, "y")
    out = ((x * y).exp() + affine([x, y], [y, 2.0], x)).tanh()
    found = gradients(out, {"x": x, "y": [y]})
    assert (x.grad, y.grad, out.grad) == (0.0, 0.0, 0.0)
    out.backward()
    assert found["x"] == pytest.approx(x.grad, rel=ROUNDING, abs=0.0)
    assert found["y"][0] == pytest.approx(y.grad, rel=ROUNDING, abs=0.0)


def test_recorded_gradients_can_be_differentiated_again():
    x, y = Value(0.7, "x"), Value(-0.3, "y")
    out = (x * x * y).sin()
    (slope,) = gradients(out, [x], create_graph=True)
    assert not slope.is_leaf
    mixed = gradients(slope, y)
    u = 0.7 * 0.7 * -0.3
    assert mixed == pytest.approx(2 * 0.7 * (math.cos(u) - u * math.sin(u)), rel=ROUNDING, abs=0.0)
    assert tangent(slope, {y: 1.0}) == pytest.approx(mixed, rel=ROUNDING, abs=0.0)


def test_gradients_in_interior_nodes_are_adjoints():
    x = Value(0.7)
    z = x * 2.0
    a = z.tanh()
    out = a * a
    assert gradients(out, [z, a, out]) == pytest.approx(
        [2 * a.data * (1 - a.data**2), 2 * a.data, 1.0], rel=ROUNDING, abs=0.0
    )


def test_gradients_in_what_the_output_does_not_use_are_zero():
    x, y = Value(2.0), Value(3.0)
    assert gradients(x * x, [x, y]) == [4.0, 0.0]
    constant = gradients(x * 2.0, x, create_graph=True)
    assert (constant.data, constant.is_literal) == (2.0, True)


def test_gradients_refuse_numbers_and_graphs_whose_leaves_have_changed():
    x = Value(2.0)
    out = x * x
    with pytest.raises(TypeError, match=r"Values in wrt, got the number 1\.0 as wrt\[1\]"):
        gradients(out, [x, 1.0])
    with pytest.raises(TypeError, match="needs a Value as output"):
        gradients(2.0, [x])
    x.data = 3.0
    with pytest.raises(RuntimeError, match="assigned after"):
        gradients(out, [x])


def test_tangents_of_an_interior_variable_add_to_those_that_reach_it():
    x = Value(3.0)
    y = x * 2.0
    out = y * y
    derivative = Linearization([out], [x, y])
    assert derivative.push([(x, 1.0), (y, 10.0)], [out]) == [2 * 6.0 * (2.0 + 10.0)]


def test_a_literal_exponent_stays_a_number_after_somebody_has_looked_at_it():
    x = Value(-2.0)
    y = x**3
    assert y.operands[1].is_literal
    slope = gradients(y, x, create_graph=True)
    assert {node.op.name for node in Graph([slope]).nodes} == {"mul", "pow"}
    assert gradients(slope, x) == -12.0


def test_looking_at_literals_does_not_make_a_graph_stale():
    x, other = Value(2.0), Value(1.0)
    y = x * 3.0
    assert y.operands[1].is_literal
    other.data = 5.0
    y.backward()
    assert (x.grad, gradients(y, x)) == (3.0, 3.0)


def test_a_node_used_many_times_gets_the_sum_of_its_contributions():
    assert hessian(lambda x: (x * x) * (x * x) * (x + x) * x)(2.0) == pytest.approx(
        2 * 30 * 16.0, rel=ROUNDING, abs=0.0
    )
