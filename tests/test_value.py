"""The contract of a Value."""

import copy
import math
import pickle
import threading
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autograd
from autograd import DomainError, Value, affine, no_grad, ops, total, vector


@pytest.mark.parametrize("data", [3, 3.0, np.float64(3), np.float32(3), np.int8(3), np.uint64(3), np.longdouble(3)])
def test_real_numbers_become_python_floats(data):
    value = Value(data)
    assert type(value.data) is float
    assert value.data == 3.0
    assert type((value * data).data) is float
    assert type((data * value).data) is float


@pytest.mark.parametrize(
    "data",
    [
        True,
        np.True_,
        "3",
        b"3",
        None,
        1j,
        [1.0],
        (1.0,),
        {},
        np.array([1.0]),
        np.array(1.0),
        Decimal(3),
        Fraction(3),
        Value(3.0),
    ],
)
def test_anything_else_is_a_type_error(data):
    with pytest.raises(TypeError, match="Value needs a real number"):
        Value(data)
    leaf = Value(1.0)
    with pytest.raises(TypeError, match="Value needs a real number"):
        leaf.data = data
    assert leaf.data == 1.0


@pytest.mark.parametrize("data", [math.nan, math.inf, -math.inf, 10**400, np.float32("inf"), np.float64("nan")])
def test_numbers_that_are_not_finite_are_value_errors(data):
    with pytest.raises(ValueError, match="finite"):
        Value(data)
    leaf = Value(1.0)
    with pytest.raises(ValueError, match="finite"):
        leaf.data = data
    assert leaf.data == 1.0
    for operation in OPERATORS:
        with pytest.raises(ValueError, match="finite"):
            operation(leaf, data)
        with pytest.raises(ValueError, match="finite"):
            operation(data, leaf)


def test_a_label_must_be_text():
    with pytest.raises(TypeError, match="label"):
        Value(1.0, 3)


OPERATORS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: a**b,
]
SYMBOLS = ["+", "-", "*", "/", "**"]


@pytest.mark.parametrize("operation", OPERATORS, ids=SYMBOLS)
@pytest.mark.parametrize("other", [2, 2.0, True, np.float64(2), np.int64(2), np.float32(2), np.True_])
def test_operators_take_numbers_on_either_side(operation, other):
    x = Value(3.0)
    assert operation(x, other).data == operation(3.0, float(other))
    assert operation(other, x).data == operation(float(other), 3.0)
    left, right = operation(x, other), operation(other, x)
    assert (left.operands[0], right.operands[1]) == (x, x)
    assert left.operands[1].is_literal
    assert right.operands[0].is_literal
    assert left.operands[1].data == right.operands[0].data == float(other)


@pytest.mark.parametrize("operation", OPERATORS, ids=SYMBOLS)
@pytest.mark.parametrize("other", ["2", None, [1.0], (1.0,), 1j, Decimal(2), Fraction(1, 2), {}, object()])
def test_operators_refuse_foreign_operands(operation, other):
    if isinstance(other, Fraction) and operation is OPERATORS[-1]:
        return  # Fraction's own ** and its reflection turn the Fraction into a float before they ask the Value
    x = Value(3.0)
    with pytest.raises(TypeError):
        operation(x, other)
    with pytest.raises(TypeError):
        operation(other, x)


@pytest.mark.parametrize("operation", OPERATORS, ids=SYMBOLS)
def test_operators_broadcast_over_arrays(operation):
    x = Value(3.0)
    array = np.array([[1.0, 2.0]])
    for result, expected in (
        (operation(x, array), operation(3.0, array)),
        (operation(array, x), operation(array, 3.0)),
    ):
        assert result.dtype == object
        assert result.shape == (1, 2)
        assert [[v.data for v in row] for row in result] == expected.tolist()


def test_numpy_functions_call_the_methods_of_an_object_array():
    array = np.array([Value(0.3), Value(-0.4)])
    for ufunc in (np.tanh, np.exp, np.sin, np.cos, np.sqrt, np.arctan, np.expm1, np.log1p, np.sinh, np.cosh, np.tan):
        points = np.array([Value(0.3), Value(0.4)])
        assert [v.data for v in ufunc(points)] == pytest.approx(ufunc(np.array([0.3, 0.4])), rel=1e-15, abs=0.0)
    assert [v.data for v in np.abs(array)] == [0.3, 0.4]
    assert (array @ array).data == pytest.approx(0.25)
    assert array.sum().data == pytest.approx(-0.1)


def test_equality_with_a_number_looks_at_the_data_and_between_values_is_identity():
    one, again, zero = Value(1.0, "one"), Value(1.0), Value(-0.0)
    for number in (
        1,
        1.0,
        True,
        np.float64(1.0),
        np.float32(1.0),
        np.int64(1),
        np.bool_(True),
        Fraction(1),
        Decimal(1),
    ):
        assert one == number
        assert number == one
        assert not one != number  # noqa: SIM202  # the two operators are methods of their own
        assert not number != one  # noqa: SIM202
        assert zero != number
    for number in (2, 0.5, False, 10**400, -(10**400), math.inf, math.nan, 1j, Fraction(1, 3), Decimal("NaN")):
        assert one != number
        assert number != one
        assert not one == number  # noqa: SIM201  # the two operators are methods of their own
    assert zero == 0.0
    assert Value(0.1) != Fraction(1, 10)  # no float is a tenth
    assert Value(2.0**53) != 2**53 + 1
    assert one == 1 + 0j
    for other in ("1", b"1", None, [1.0], (1.0,), {1.0: 2.0}, object()):
        assert one != other
        assert other != one
    assert one != again
    assert not one == again  # noqa: SIM201
    assert one == one
    assert {one: "a", again: "b"}[one] == "a"
    assert len({one, again, 1.0}) == 3  # hashed by identity
    assert hash(one) == object.__hash__(one)


def test_containers_and_arrays_of_values_find_numbers():
    t = [Value(1.0), Value(2.0), Value(1.0)]
    assert t[0] in (1, 2)
    assert t[0] not in (0, 2)
    assert 2 in t
    assert 3 not in t
    assert t == [1.0, 2, 1]
    assert t.count(1.0) == 2
    assert t.index(2.0) == 1
    assert t.index(t[2]) == 2
    assert (np.array(t) == 1).tolist() == [True, False, True]
    assert (np.array(t) != 1).tolist() == [False, True, False]
    assert (t[0] == 1) * 5 + 1 == 6
    assert (t[0] == np.array([1.0, 2.0])).tolist() == [True, False]


def test_comparisons_look_at_the_data():
    one, two, again = Value(1.0), Value(2.0), Value(1.0)
    assert one < two
    assert one <= again
    assert two > one
    assert one >= again
    assert one < 1.5
    assert one < 2
    assert one < math.inf
    assert one <= np.float64(1.0)
    assert one < 10**400
    assert one > -(10**400)
    assert one != again
    assert len({one, again, one}) == 2
    assert max([one, two]) is two
    with pytest.raises(TypeError):
        one < "2"  # noqa: B015  # the comparison itself is the test
    with pytest.raises(ValueError, match="NaN"):
        one < math.nan  # noqa: B015  # the comparison itself is the test


def test_truth_and_float_conversion_are_refused_because_they_would_cut_the_graph():
    x = Value(0.5, "x")
    with pytest.raises(TypeError, match=r'leaf "x" = 0\.5 is ambiguous'):
        bool(x)
    with pytest.raises(TypeError):
        float(x)
    with pytest.raises(TypeError):
        int(x)
    with pytest.raises(TypeError):
        math.tanh(x)
    with pytest.raises(TypeError):
        np.array([x], dtype=float)


def test_text_shows_data_label_gradient_and_operation():
    x = Value(0.123456, "x")
    y = x.tanh()
    y.backward()
    assert repr(x) == f"Value(0.123456, label='x', grad={1 - math.tanh(0.123456) ** 2!r})"
    assert repr(y) == f"Value({y.data!r}, grad=1.0, op=tanh)"
    assert repr((x * 2).operands[1]) == "Literal(2.0)"
    assert f"{x:.2f}|{x:8.1e}" == "0.12| 1.2e-01"
    assert f"{x}" == str(x) == repr(x)


def test_a_repeated_operand_stands_twice():
    x = Value(3.0)
    assert (x * x).operands == (x, x)
    assert (x + x).operands == (x, x)
    assert total([x, x, x]).operands == (x, x, x)
    assert x.operands == ()


def test_literals_of_a_node_are_the_same_leaves_each_time():
    x = Value(3.0)
    for node in (2.0 * x, total([x, 2.0]), affine([x], [2.0], 1.0), ops.where(1.0, x, 2.0)):
        assert all(a is b for a, b in zip(node.operands, node.operands, strict=True))


def test_inputs_shared_by_neurons_have_shared_literals():
    inputs = vector([0.5, -0.5])
    first, second = (affine(vector([Value(1.0), Value(2.0)]), inputs, 0.0) for _ in range(2))
    assert first.operands[2:4] == second.operands[2:4]


def test_a_literal_never_gets_a_gradient():
    x = Value(3.0)
    node = x * 2.0
    literal = node.operands[1]
    for root in (
        node,
        literal * x,
        literal.tanh() * x,
        -literal + x,
        literal.relu() * x,
        total([literal, x]),
        affine([x], [literal], literal),
    ):
        root.backward()
        assert literal.grad == 0.0
    with pytest.raises(RuntimeError, match="literal"):
        literal.backward()
    with pytest.raises(AttributeError, match="literal"):
        literal.data = 3.0


def test_a_leaf_can_be_assigned_and_an_interior_node_cannot():
    x = Value(3.0, "x")
    x.data = np.float32(4)
    assert type(x.data) is float
    y = x * 2.0
    with pytest.raises(AttributeError, match="computed from its operands"):
        y.data = 3.0
    assert y.data == 8.0


def test_a_failed_operation_changes_nothing():
    x = Value(-1.0, "z1[0]")
    with pytest.raises(DomainError, match=r'^log needs x > 0, got x = -1.0 \("z1\[0\]"\)$'):
        x.log()
    with pytest.raises(DomainError, match=r'^div needs y ≠ 0, got x = -1.0 \("z1\[0\]"\), y = 0.0$'):
        x / 0
    with pytest.raises(DomainError, match=r"^pow needs x > 0, or x < 0 with an integer y"):
        Value(-8.0) ** (1 / 3)
    with pytest.raises(DomainError, match=r'^exp has no finite result \(overflow\) at x = 1000.0 \("big"\)$'):
        _ = Value(1000.0, "big").exp().data
    assert (x.data, x.grad, x.op) == (-1.0, 0.0, None)


def test_a_domain_error_is_both_an_arithmetic_and_a_value_error():
    assert issubclass(DomainError, ArithmeticError)
    assert issubclass(DomainError, ValueError)


def test_no_grad_records_nothing_in_this_thread_only():
    x = Value(3.0)
    with no_grad():
        results = [
            x * x,
            x + 1,
            1 - x,
            x.tanh(),
            x**2,
            total([x, x]),
            affine([x], [2.0]),
            ops.maximum(x, 1.0),
            -x,
            x / x,
        ]
        with no_grad():
            pass
        assert (x * x).is_leaf
        seen = []
        thread = threading.Thread(target=lambda: seen.append((x * x).op))
        thread.start()
        thread.join()
    assert all(result.is_leaf and not result.operands for result in results)
    assert seen == [ops.mul]
    assert (x * x).op is ops.mul


def test_no_grad_ends_with_an_exception_and_decorates():
    x = Value(3.0)
    with pytest.raises(ZeroDivisionError), no_grad():
        1 / 0  # noqa: B018  # raised on purpose

    @no_grad()
    def square(v):
        return v * v

    assert square(x).is_leaf
    assert not (x * x).is_leaf


def test_no_grad_refuses_functions_that_run_after_they_were_called():
    def numbers():
        yield Value(3.0) * 2.0

    async def number():
        return Value(3.0) * 2.0

    async def sequence():
        yield Value(3.0) * 2.0

    for later in (numbers, number, sequence):
        with pytest.raises(TypeError, match=r"no_grad cannot decorate .*: use `with` in its body"):
            no_grad()(later)


def test_detach_cuts_the_graph():
    x = Value(3.0)
    y = (x * x).detach()
    assert (y.data, y.is_leaf) == (9.0, True)
    (x * y).backward()
    assert x.grad == 9.0


def test_leaves_can_be_copied_and_pickled_and_interior_nodes_say_why_not():
    x = Value(3.0, "x")
    x.grad = 2.0
    for twin in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert twin is not x
        assert (twin.data, twin.label, twin.grad, twin.is_leaf) == (3.0, "x", 2.0, True)
    tied = copy.deepcopy([x, x])
    assert tied[0] is tied[1]
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="part of a graph"):
            attempt(x * x)


def test_a_value_takes_no_other_attributes_and_no_subclasses():
    x = Value(1.0)
    with pytest.raises(AttributeError):
        x.gard = 2.0
    with pytest.raises(TypeError, match="cannot be subclassed"):

        class Mine(Value):
            pass


def test_a_dropped_graph_is_freed_at_once():
    x = Value(1.0)
    y = x
    for _ in range(10):
        y = (y * x).tanh() + affine([y, x], [x, y], 2.0)
    y.backward()
    middle = weakref.ref(y.operands[0])
    del y
    assert middle() is None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0], [1.0, 2.0], 0.0), ValueError, "1 weights and 2 inputs"),
        ((["1"], [1.0], 0.0), TypeError, "needs a real number, got '1'"),
        (("1", [1.0], 0.0), TypeError, "a sequence of Values or numbers"),
        ((1.0, [1.0], 0.0), TypeError, "a sequence of Values or numbers"),
        (([1.0], [math.nan], 0.0), ValueError, "finite"),
        (([Value(1.0)], [1.0], None), TypeError, "needs a real number, got None"),
        (([Value(1e308)], [10.0], 0.0), DomainError, "affine has no finite result"),
        (([Value(1e308, "W1[0,0]")], [10.0], 0.0), DomainError, r"W1\[0,0\]"),
    ],
)
def test_affine_says_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        affine(*arguments)


def test_affine_of_numbers_is_a_number():
    result = affine([2.0, True], np.array([3.0, 4.0]), 0.5)
    assert type(result) is float
    assert result == 10.5
    assert affine([], [], 3) == 3.0


def test_serials_grow_from_operands_to_results():
    x, y = Value(1.0), Value(2.0)
    z = x * y
    assert x.serial < y.serial < z.serial
    x.data = 3.0
    assert x.serial > z.serial


def test_functions_of_the_package_take_numbers_arrays_and_values():
    assert autograd.tanh(0.5) == math.tanh(0.5)
    assert autograd.maximum(1, 2.5) == 2.5
    assert autograd.where(True, 1.0, 2.0) == 1.0
    x = Value(0.5)
    assert autograd.where(x > 1, x, -x).data == -0.5
    assert autograd.maximum(x, np.array([0.0, 1.0]))[0].data == 0.5
