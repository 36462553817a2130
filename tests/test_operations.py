"""Laws that every operation of the table obeys; adding an operation adds its tests."""

import ast
import copy
import inspect
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

import autograd
from autograd import DomainError, Op, Value, ops, tangent
from autograd.op import PRIMITIVES
from autograd.value import _METHODS

TABLE = list(PRIMITIVES.values())
POINTS = [(op, point) for op in TABLE for point in op.samples]
KINKS = [(op, kink) for op in TABLE for kink in op.at_kinks]
REFUSED = [(op, point) for op in TABLE for point in op.domain.refused]

# Richardson extrapolation of central differences: truncation h⁴ and rounding 1e-16/h both stay below this at h = 1e-3.
DIFFERENCES = 1e-9
SELECTING = {("where", 0), ("polygamma", 0)}  # such an argument says what to compute: derivative 0 by definition
SUBNORMAL = 2.3e-308  # what an array form may round to 0
ULPS = 1e-15  # the array form may call another libm than the float form: a few units in the last place


def name(case):
    return getattr(case, "name", None) or str(case)


def apply(op, args):
    return op(args) if op.arity is None else op(*args)


def slope(function, x, h=1e-3):
    """The derivative by central differences, extrapolated once."""
    coarse, fine = ((function(x + s) - function(x - s)) / (2 * s) for s in (h, h / 2))
    return (4 * fine - coarse) / 3


def numbers(values):
    return [value.data if isinstance(value, Value) else value for value in values]


def at(args, k, x):
    return (*args[:k], x, *args[k + 1 :])


def wrong_slopes(op, args):
    """The arguments whose rule disagrees with differences of the forward function."""
    out = op.evaluate(args)
    expected = [
        0.0 if (op.name, k) in SELECTING else slope(lambda x, k=k: op.evaluate(at(args, k, x)), args[k])
        for k in range(len(args))
    ]
    return [
        k
        for k, e in enumerate(expected)
        if not math.isclose(op.local(k, out, args), e, rel_tol=1e-9, abs_tol=DIFFERENCES)
    ]


@pytest.mark.parametrize("op", TABLE, ids=name)
def test_every_operation_has_samples_that_exercise_its_derivatives(op):
    if op is ops.stop_gradient:
        return  # its derivative is 0 by definition, not by its forward function
    assert op.samples
    for args in op.samples:
        for local in op.locals(op.evaluate(args), args):
            assert local == 0.0 or 0.1 <= abs(local) <= 10.0 or (op, abs(local)) == (ops.leaky_relu, 0.01)


@pytest.mark.parametrize(("op", "args"), POINTS, ids=name)
def test_first_derivatives_agree_with_central_differences(op, args):
    assert wrong_slopes(op, args) == []


@pytest.mark.parametrize("op", [op for op in TABLE if op.samples], ids=name)
def test_a_rule_that_is_off_by_a_millionth_is_noticed(op):
    count = op.arity or len(op.samples[-1])
    for k in range(count):
        for wrong in (lambda local: local + math.copysign(1e-6, local), lambda local: 0.5 - local):
            if op.arity is None:
                mutant = replace(
                    op,
                    partials=lambda out, *x, k=k, wrong=wrong: tuple(
                        wrong(p) if i == k else p for i, p in enumerate(op.partials(out, *x))
                    ),
                )
            else:
                rule = op.partials[k]
                mutant = replace(
                    op,
                    partials=at(op.partials, k, lambda out, *x, rule=rule, wrong=wrong: wrong(rule(out, *x))),
                )
            if (op.name, k) not in SELECTING:
                assert any(k in wrong_slopes(mutant, args) for args in op.samples if k < len(args))


@pytest.mark.parametrize(("op", "args"), POINTS, ids=name)
def test_second_derivatives_agree_with_differences_of_the_first(op, args):
    for i in range(len(args)):
        values = [Value(x) for x in args]
        local = op.local(i, apply(op, values), values)
        if isinstance(local, Value):
            local.backward()
        for j in range(len(args)):
            expected = 0.0
            if op is not ops.where and (op.name, j) not in SELECTING:
                expected = slope(lambda x, i=i, j=j: _local_at(op, at(args, j, x), i), args[j])
            assert values[j].grad == pytest.approx(expected, rel=1e-8, abs=1e-8)


def _local_at(op, args, i):
    return op.local(i, op.evaluate(args), args)


@pytest.mark.parametrize(("op", "args"), POINTS, ids=name)
def test_the_reverse_pass_applies_the_table(op, args):
    values = [Value(x) for x in args]
    out = apply(op, values)
    out.backward(1.25)
    assert out.op is op
    assert out.data == op.evaluate(args)
    for value, local in zip(values, op.locals(out.data, args), strict=True):
        assert value.grad == pytest.approx(1.25 * local, rel=4e-16, abs=0.0)


@pytest.mark.parametrize(("op", "args"), POINTS, ids=name)
def test_the_reverse_pass_applies_the_table_beside_literals(op, args):
    for k in range(len(args)):
        mixed = [Value(x) if i == k else x for i, x in enumerate(args)]
        out = apply(op, mixed)
        out.backward()
        assert mixed[k].grad == pytest.approx(op.local(k, out.data, args), rel=4e-16, abs=0.0)
        assert [operand.is_literal for operand in out.operands] == [i != k for i in range(len(args))]


@pytest.mark.parametrize(("op", "args"), POINTS, ids=name)
def test_forward_mode_equals_reverse_mode(op, args):
    values = [Value(x) for x in args]
    out = apply(op, values) * 1.0
    out.backward()
    for value in values:
        assert tangent(out, {value: 1.0}) == pytest.approx(value.grad, rel=1e-15, abs=0.0)
    everywhere = tangent(out, {value: k + 1.0 for k, value in enumerate(values)})
    scale = sum((k + 1) * abs(value.grad) for k, value in enumerate(values))
    assert everywhere == pytest.approx(sum((k + 1) * value.grad for k, value in enumerate(values)), abs=1e-15 * scale)


@pytest.mark.parametrize(("op", "args"), POINTS, ids=name)
def test_arrays_give_what_floats_give(op, args):
    if op.arity is None:
        return  # takes one sequence of numbers
    columns = [np.array([x, x]) for x in args]
    for element in op(*columns):
        assert element == pytest.approx(op(*args), rel=ULPS, abs=0.0)
    objects = op(*[np.array([Value(x), x], dtype=object) for x in args])
    assert isinstance(objects[0], Value)
    assert objects[0].data == op(*args) == objects[1]


def in_columns(rows):
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize("op", [op for op in TABLE if op.arity is None], ids=name)
def test_a_sequence_of_arrays_gives_what_sequences_of_numbers_give(op):
    rows = [op.samples[-1], tuple(reversed(op.samples[-1]))]
    expected = [op(row) for row in rows]
    assert op(in_columns(rows)).tolist() == expected
    boxed = op(in_columns([[Value(x) for x in row] for row in rows]))
    assert [out.data for out in boxed] == expected
    mixed = op([Value(rows[0][0]), *in_columns(rows)[1:]])
    assert (mixed[0].data, mixed[0].op) == (expected[0], op)


def test_a_sequence_of_arrays_may_be_long():
    assert ops.total([np.array([1.0, 2.0])] * 100).tolist() == [100.0, 200.0]


def test_means_and_shares_of_arrays_of_values_are_elementwise():
    columns = in_columns([[Value(1.0), 2.0], [3.0, Value(2.0)]])
    assert numbers(autograd.mean(columns)) == [1.5, 2.5]
    first, second = autograd.softmax(columns)
    assert numbers(first + second) == pytest.approx([1.0, 1.0], rel=ULPS, abs=0.0)


def in_two_rows(op, args):
    """The arguments of an array form, each twice; those of any number side by side in one array."""
    return [np.array([args, args])] if op.arity is None else [np.array([x, x]) for x in args]


@pytest.mark.parametrize(("op", "args"), [(op, args) for op, args in POINTS if op.into], ids=name)
def test_the_form_that_is_handed_its_result_fills_it_and_changes_no_argument(op, args):
    arrays, out = in_two_rows(op, args), np.full(2, np.nan)
    op.into(*arrays, out)
    assert out.tolist() == pytest.approx([apply(op, args)] * 2, rel=ULPS, abs=0.0)
    for array, untouched in zip(arrays, in_two_rows(op, args), strict=True):
        np.testing.assert_array_equal(array, untouched)


@pytest.mark.parametrize(("op", "args"), [(op, args) for op, args in POINTS if op.numpy], ids=name)
def test_the_text_for_numpy_defines_the_same_function(op, args):
    defined = {"np": np, "math": math}
    exec(op.numpy, defined)
    assert defined[op.name](*in_two_rows(op, args)).tolist() == pytest.approx([apply(op, args)] * 2, rel=ULPS, abs=0.0)


def test_a_symbol_is_the_name_a_word_or_a_sign():
    for op in TABLE:
        sign = not any(character.isalnum() or character in "_ " for character in op.symbol)
        assert op.symbol == op.name or op.symbol.isalpha() or sign


@pytest.mark.parametrize(("op", "args"), REFUSED, ids=name)
def test_points_outside_the_domain_are_refused(op, args):
    with pytest.raises(DomainError, match=f"^{op.name} needs "):
        op.evaluate(args)
    if op.arity is None:
        return
    with pytest.raises(DomainError, match=f"^{op.name} needs "):
        op(*[Value(x) for x in args])
    with pytest.raises(DomainError, match=f"^{op.name} needs .*at index"):
        op(*[np.array([1.0, x]) for x in args])


@pytest.mark.parametrize("op", TABLE, ids=name)
def test_a_domain_says_what_it_refuses(op):
    assert bool(op.domain.refused) == (op.domain is not autograd.op.EVERYWHERE)
    assert all(op.domain.holds(*args) for args in op.samples)


@pytest.mark.parametrize(("op", "kink"), KINKS, ids=name)
def test_conventions_at_kinks(op, kink):
    for k, expected in enumerate(kink.partials):
        args = [Value(x) if i == k else x for i, x in enumerate(kink.at)]
        out = op(*args)
        if expected is None:
            args[k].grad = 5.0
            with pytest.raises(DomainError, match="undefined"):
                out.backward()
            assert (args[k].grad, out.grad) == (5.0, 0.0)
            with pytest.raises(DomainError, match="undefined"):
                tangent(out, {args[k]: 1.0})
        else:
            out.backward()
            assert args[k].grad == expected
            assert tangent(out, {args[k]: 1.0}) == expected


def test_the_help_tells_every_convention_once():
    told = {op.name: [line for line in op.docstring.splitlines() if line.startswith("At ")] for op in TABLE}
    assert all(len(set(lines)) == len(lines) for lines in told.values())
    assert told["abs"] == ["At x = 0 its derivative is 0."]
    assert told["where"] == ["At x = 0, y = 1, z = 2 its derivatives are 0, 0, 1."]
    assert told["pow"] == [
        "At x = 0, y = 0 its derivatives are 0, 0.",
        "At x = 0, y = 2 its derivatives are 0, 0.",
        "At x = 0, y = 1 its derivatives are 1, 0.",
        "At x = -2, y = 3 its derivatives are 12, undefined.",
    ]


@pytest.mark.parametrize("fun", [lambda r: r, lambda r: r**2, lambda r: r * 0.5 + 1.0])
def test_second_derivatives_of_hypot_at_the_origin_are_refused(fun):
    """They are infinite there, and what an adjoint of 0 makes of them is no number that a rule could know."""
    assert autograd.grad(lambda v: fun(ops.hypot(v[0], v[1])))([0.0, 0.0]) == [0.0, 0.0]
    with pytest.raises(DomainError, match="undefined"):
        autograd.hessian(lambda v: fun(ops.hypot(v[0], v[1])))([0.0, 0.0])


@pytest.mark.parametrize(
    ("x", "exact"),
    [
        (-36.612813882998076, -3.2742662571129762e-292),
        (-35.40103267339098, -2.9137424852561186e-273),
        (-20.5, -2.2067580180521469e-92),
        (-3.8411700777300837, -0.00023517416563613922),
    ],
)
def test_the_tail_of_gelu_keeps_its_digits(x, exact):
    """x erfc(−x/√2)/2, by mpmath."""
    assert ops.gelu(x) == pytest.approx(exact, rel=ULPS, abs=0.0)


def test_stop_gradient_passes_the_value_and_no_gradient():
    x = Value(3.0)
    y = x * ops.stop_gradient(x)
    y.backward()
    assert (y.data, x.grad) == (9.0, 3.0)
    assert tangent(y, {x: 1.0}) == 3.0


def test_an_undefined_derivative_that_nothing_multiplies_is_not_needed():
    x = Value(0.0)
    (x.sqrt() * 0.0).backward()
    assert x.grad == 0.0


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0, 4.0])
def test_every_derivative_of_a_power_is_right_at_zero(exponent):
    x = Value(0.0)
    derivative = x**exponent
    for order in range(6):
        expected = math.factorial(order) if order == exponent else 0.0
        assert (derivative.data if isinstance(derivative, Value) else derivative) == expected
        if not isinstance(derivative, Value) or derivative.is_leaf:
            assert order >= exponent
            break
        derivative = _derivative_as_graph(derivative, x)


def _derivative_as_graph(node, x):
    """∂node/∂x as a graph, by the rules alone."""
    if node is x:
        return Value(1.0)
    if node.is_leaf:
        return 0.0
    operands = [o.data if o.is_literal else o for o in node.operands]
    moving = [(k, o) for k, o in enumerate(operands) if isinstance(o, Value)]
    return sum(node.op.local(k, node, operands) * _derivative_as_graph(o, x) for k, o in moving)


@pytest.mark.parametrize(
    ("op", "args"),
    [
        (ops.exp, (710.0,)),
        (ops.expm1, (1e4,)),
        (ops.cosh, (-711.0,)),
        (ops.sinh, (1e308,)),
        (ops.mul, (1e200, 1e200)),
        (ops.add, (1.7e308, 1.7e308)),
        (ops.div, (1e300, 1e-300)),
        (ops.pow, (1e10, 1e3)),
        (ops.hypot, (1.7e308, 1.7e308)),
    ],
    ids=name,
)
def test_a_result_that_overflows_is_refused_and_said_to_overflow(op, args):
    for arguments in (args, [Value(x) for x in args], [np.array([x]) for x in args]):
        with pytest.raises(DomainError, match=f"^{op.name} has no finite result"):
            _ = op(*arguments).data  # of a Value that something might still bring back among the floats


@pytest.mark.parametrize(
    "op", [ops.sigmoid, ops.softplus, ops.tanh, ops.erf, ops.erfc, ops.gelu, ops.silu, ops.elu], ids=name
)
@pytest.mark.parametrize("x", [1e308, -1e308, 745.0, -745.0, 40.0, -40.0, 5e-324, -0.0])
def test_activations_and_their_derivatives_are_finite_everywhere(op, x):
    value = Value(x)
    op(value).backward()
    assert math.isfinite(value.grad)
    assert op(np.array([x]))[0] == pytest.approx(op(x), rel=ULPS, abs=SUBNORMAL)


def test_logsumexp_is_stable_for_every_finite_input():
    big, small = Value(1e308), Value(-1e308)
    out = ops.logsumexp([big, small])
    out.backward()
    assert (out.data, big.grad, small.grad) == (1e308, 1.0, 0.0)


def test_shares_are_right_where_the_arguments_are_further_apart_than_any_float():
    for far in ([1e308, -1e308], [10**308, -(10**308)], [Value(1e308), Value(-1e308)], [1e308, Value(-1e308)]):
        assert numbers(autograd.softmax(far)) == [1.0, 0.0]
        assert all(isinstance(p, Value) == any(isinstance(x, Value) for x in far) for p in autograd.softmax(far))
        with pytest.raises(DomainError, match=r"^sub has no finite result \(overflow\)"):
            autograd.log_softmax(far)
    assert autograd.softmax(np.array([1e308, -1e308])) == [1.0, 0.0]
    assert autograd.hessian(ops.logsumexp)([1e308, -1e308]) == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("x", [1e155, -1e200, 1.7e308])
def test_arctan_has_derivatives_of_every_order_where_its_slope_underflows(x):
    assert autograd.grad(ops.arctan)(x) == autograd.hessian(ops.arctan)(x) == 0.0
    assert autograd.gradients(ops.arctan(Value(x)), [Value(1.0)], create_graph=True)[0].data == 0.0


@pytest.mark.parametrize("n", [2**53 + 2, -(2**53) - 2, 2**60])
def test_an_even_power_of_a_negative_number_falls_however_large_it_is(n):
    """d/dx xⁿ = n xⁿ⁻¹ is −n at −1, and the second derivative n(n − 1)."""
    x = Value(-1.0)
    (x**n).backward()
    assert x.grad == -n
    assert autograd.hessian(lambda x: x**n)(-1.0) == pytest.approx(n * (n - 1.0), rel=1e-15, abs=0.0)
    if n > 0:
        flat = Value(0.0)
        (flat**n).backward()
        assert flat.grad == 0.0


def test_softmax_of_equal_values_is_uniform_and_sums_to_one():
    values = [Value(3.0) for _ in range(4)]
    assert [p.data for p in autograd.softmax(values)] == pytest.approx([0.25] * 4, rel=1e-15, abs=0.0)
    assert autograd.log_softmax([1.0, 1.0])[0] == pytest.approx(-math.log(2.0), rel=1e-15, abs=0.0)


def test_mean_divides_by_the_count_and_refuses_nothing():
    x, y = Value(1.0), Value(4.0)
    m = autograd.mean([x, y])
    m.backward()
    assert (m.data, x.grad, y.grad) == (2.5, 0.5, 0.5)
    with pytest.raises(ValueError, match="at least one value"):
        autograd.mean([])


def test_each_operation_of_one_argument_is_a_method_and_nothing_else_is():
    assert set(_METHODS) == {op for op in TABLE if op.arity == 1}
    for op, method in _METHODS.items():
        dunder = {"neg": "__neg__", "abs": "__abs__"}.get(op.name, op.name)
        assert getattr(Value, dunder) is method
        x = Value(op.samples[0][0] if op.samples else 0.7)
        assert method(x).op is op


def test_each_operation_is_a_function_of_autograd_by_its_own_name():
    for op in TABLE:
        assert op.name in autograd.__all__
        if op is not ops.affine:  # the function of this name takes weights, inputs and bias
            assert getattr(autograd, op.name) is op is getattr(ops, op.name)


def test_the_table_of_the_module_is_complete():
    assigned = {
        node.target.id
        for node in ast.parse(inspect.getsource(ops)).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert assigned == set(PRIMITIVES)


def test_an_operation_of_your_own_needs_its_block_only():
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3 * x**2,))
    x = Value(2.0)
    y = cube(x)
    y.backward()
    assert (y.data, x.grad, y.op, cube.symbol) == (8.0, 12.0, cube, "cube")
    assert tangent(y, {x: 1.0}) == 12.0
    np.testing.assert_array_equal(cube(np.array([1.0, 2.0])), [1.0, 8.0])

    norm = Op("norm1", forward=lambda *x: sum(map(abs, x)), partials=lambda out, *x: [autograd.sign(v) for v in x])
    y = norm([x, -3.0, x])
    x.grad = 0.0
    y.backward()
    assert (y.data, x.grad) == (7.0, 2.0)


@pytest.mark.parametrize("kind", [int, np.float64, np.float32, np.array, bool])
def test_an_operation_of_your_own_may_return_any_real_number(kind):
    first = Op("first", forward=lambda x: kind(1), partials=(lambda out, x: 0.0,))
    both = Op("both", forward=lambda x, y: kind(1), partials=(lambda out, x, y: 0.0, lambda out, x, y: 0.0))
    for result in (first(Value(2.0)), both(Value(2.0), 3.0), both(2.0, Value(3.0)), both(Value(2.0), Value(3.0))):
        assert (type(result.data), result.data) == (float, 1.0)
    assert first(np.array([2.0])).tolist() == both(np.array([2.0]), 3.0).tolist() == [1.0]


@pytest.mark.parametrize(
    "op",
    [
        Op("power", forward=lambda x, y: x**y, partials=(lambda out, x, y: 1.0, lambda out, x, y: 1.0)),
        Op("quotient", forward=lambda x, y: y / (x - 10.0), partials=(lambda out, x, y: 1.0, lambda out, x, y: 1.0)),
    ],
    ids=name,
)
def test_an_operation_of_your_own_is_refused_where_it_has_no_finite_result(op):
    for args in ((10.0, 400.0), (Value(10.0), 400.0), (np.array([10.0]), 400.0), (np.array([Value(10.0)]), 400.0)):
        with pytest.raises(DomainError, match=f"^{op.name} has no finite result .* x = 10.0, y = 400.0"):
            op(*args)


def test_an_operation_of_your_own_is_refused_where_its_result_is_not_real():
    root = Op("root", forward=lambda x: x**0.5, partials=(lambda out, x: 0.5 / out,))
    power = Op("power", forward=lambda x, y: x**y, partials=(lambda out, x, y: 0.0, lambda out, x, y: 0.0))
    for call in (lambda: root(-1.0), lambda: root(Value(-1.0)), lambda: power(Value(-1.0), 0.5)):
        with pytest.raises(DomainError, match=r"has no real result at x = -1\.0"):
            call()


def test_a_sum_of_arrays_that_overflows_is_refused():
    with pytest.raises(DomainError, match=r"^total has no finite result"):
        ops.total([np.array([1e308]), np.array([1e308])])
    with pytest.raises(DomainError, match=r"^affine needs as many weights as inputs"):
        ops.affine([np.array([1.0]), np.array([1.0])])


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_rule_that_gives_another_number_of_partials_than_of_arguments_is_an_error(count):
    broken = Op("broken", forward=lambda *x: sum(x), partials=lambda out, *x: [1.0] * count)
    x, y = Value(1.0), Value(1.0)
    message = f"the rule of broken gave {count} partial derivatives for 2 arguments"
    for differentiate in (
        lambda: broken([x, x]).backward(),
        lambda: autograd.gradients(broken([x, y]), x),
        lambda: tangent(broken([x, y]), {x: 1.0}),
    ):
        with pytest.raises(ValueError, match=message):
            differentiate()
    assert x.grad == 0.0


@pytest.mark.parametrize("partial", [1j, np.array([1.0, 2.0]), Value(1.0)], ids=["complex", "array", "Value"])
def test_a_rule_that_gives_no_number_is_an_error_and_changes_nothing(partial):
    x = Value(1.0)
    x.grad = 5.0
    with pytest.raises(TypeError, match=r"real number|scalars|as a float"):
        Op("broken", forward=lambda x: x, partials=(lambda out, x: partial,))(x).backward()
    assert x.grad == 5.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.tanh(), "takes 1 argument"),
        (lambda: ops.maximum(1.0), "takes 2 argument"),
        (lambda: ops.tanh("1"), "needs a real number, got '1'"),
        (lambda: ops.tanh([1.0]), "needs a real number"),
        (lambda: ops.tanh(1j), "needs a real number"),
        (lambda: ops.maximum(Value(1.0), None), "needs a real number, got None"),
        (lambda: ops.total(1.0, 2.0), "takes one sequence"),
        (lambda: ops.total("12"), "takes one sequence"),
        (lambda: ops.tanh(np.array(["a"])), "real numbers"),
        (lambda: ops.tanh(np.array([1j])), "real numbers"),
        (lambda: ops.affine(1.0), "takes one sequence"),
    ],
)
def test_operands_of_a_wrong_kind_are_type_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 10**400, np.float64("nan"), np.array([1.0, math.nan])])
def test_numbers_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        ops.tanh(bad)
    with pytest.raises(ValueError, match="finite"):
        ops.maximum(Value(1.0), bad)


def test_operations_survive_pickle_and_copy_as_themselves():
    assert pickle.loads(pickle.dumps(ops.tanh)) is ops.tanh
    own = Op("own", forward=abs, partials=(lambda out, x: 1.0,))
    with pytest.raises(TypeError, match="own"):
        pickle.dumps(own)


def test_zero_keeps_its_sign():
    minus = Value(-0.0)
    for kept in (
        minus * 1.0,
        minus + -0.0,
        -Value(0.0),
        ops.sin(minus),
        ops.maximum(minus, -0.0),
        minus.stop_gradient(),
    ):
        assert math.copysign(1.0, kept.data) == -1.0


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (3, "x = 1e+308, y = 1e+308, z = 1e+308"),
        (4, "x0 = 1e+308, x1 = 1e+308, x2 = 1e+308, x3 = 1e+308"),
        (8, "x6 = 1e+308, x7 = 1e+308"),
        (9, "x5 = 1e+308, x6 = 1e+308, … (9 arguments)"),
    ],
)
def test_messages_name_the_arguments_and_shorten_long_lists(count, text):
    with pytest.raises(DomainError, match=r"^logsumexp needs at least one argument, got none$"):
        ops.logsumexp([])
    with pytest.raises(DomainError) as error:
        ops.total([1e308] * count)
    assert str(error.value).endswith(text)
    with pytest.raises(DomainError, match=r'x1 = 1e\+308 \("b"\)'):
        ops.total([Value(1e308, "a"), Value(1e308, "b"), 1e308, 1e308])


def test_an_operation_is_itself_however_it_is_copied():
    assert copy.copy(ops.tanh) is copy.deepcopy(ops.tanh) is ops.tanh
    assert repr(ops.tanh) == "<Op tanh>"
