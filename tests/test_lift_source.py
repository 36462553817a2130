"""The text of a program is an engine of its own: its names, its kinds of numbers, and what it refuses."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd as ag
import nn
from autograd import Op, Value, affine, compile, lift, relu, total
from autograd.lift.record.identifiers import Identifiers
from autograd.lift.write.edges import has_edges
from autograd.lift.write.gathering import gathers
from tests.equation_graphs import GRAPHS, row_of
from tests.lift_graphs import by_source, variables_of
from tests.read_back import rows_of
from tests.sampled import sampled

ROWS = [[1.0], [2.0]]


def same(program, scale=0.0, **batch):
    """Compare the text with the program, which is compared with the engine elsewhere.

    Args:
        program: Which.
        scale: The size of terms that cancel, where it is larger than that of the results.
        batch: The rows.
    """
    loss, gradients = program.value_and_grad(**batch)
    by_text, others = by_source(program, batch)
    assert by_text == pytest.approx(loss, rel=1e-13, abs=1e-14 * scale)
    assert list(gradients) == list(others)
    largest = max([scale, abs(loss), *(np.abs(array).max() for array in gradients.values() if array.size)])
    for name, array in gradients.items():
        np.testing.assert_allclose(others[name], array, rtol=1e-11, atol=1e-13 * largest)


# --- one δ ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activation", "loss"), [("tanh", "cross_entropy"), ("sigmoid", "half_squared_error"), ("relu", "mse_loss")]
)
def test_the_same_delta_stands_in_engine_program_source_equations_and_closed_form(activation, loss):
    """δˡ by five ways: .grad of weighted inputs, ∂C/∂bˡ of a row, a variable of the text, a term, the formula."""
    model = nn.MLP(3, [4, 4, 2], activation=activation, seed=3)
    cost = getattr(nn, loss)
    program = compile(lambda x, t: cost(model(x), t), parameters=model)
    x, t = [0.3, -0.7, 1.1], [0.0, 1.0]
    _, by_program = program.value_and_grad(x=[x], t=[t])

    a, weighted = [Value(v) for v in x], []
    for W, b in zip(model.weights, model.biases, strict=True):
        z = [affine(row, a, bias) for row, bias in zip(W, b, strict=True)]
        a = z if len(weighted) == 2 else [getattr(ag, activation)(each) for each in z]
        weighted.append(z)
    cost(a, t).backward()

    variables = variables_of(program, {"x": [x], "t": [t]})
    terms = program.derivation.numbers({"x": x, "t": t}, program.parameters)
    by_term = [numbers for family, numbers in terms.items() if family.of in program.derivation.found.weighted]
    formula = nn.closed_form.backprop(
        model.weights, model.biases, x, t, activations=[activation] * 2 + ["identity"], loss=loss
    )
    for l in range(3):
        exact = np.array([each.grad for each in weighted[l]])
        assert np.abs(exact).max() > 0.01
        same_numbers = {"rtol": 1e-13, "atol": 1e-15}
        np.testing.assert_allclose(by_program[f"b{l + 1}"], exact, **same_numbers)
        np.testing.assert_allclose(variables[f"delta{l + 1}"][0], exact, **same_numbers)
        np.testing.assert_allclose(formula.delta[l], exact, **same_numbers)
        assert any(each.shape == exact.shape and np.allclose(each, exact, **same_numbers) for each in by_term)


# --- kinds of numbers -----------------------------------------------------------------------------


def test_derivatives_at_kinks_are_numbers():
    w = Value(1.0, "w")
    program = lift(relu(relu(w) + w), parameters=[w], reduce="sum")
    assert by_source(program, {}) == (2.0, {"w": 2.0})  # True with truth values


@pytest.mark.parametrize("reduce", ["mean", "sum"])
@pytest.mark.parametrize(
    "function",
    [
        lambda w, x: relu(w) + relu(x),
        lambda w, x: relu(w) - relu(w + x),
        lambda w, x: relu(relu(relu(w) + w) + w) * 3.0,
        lambda w, x: ag.maximum(w, x) + ag.maximum(w, 0.5) + ag.minimum(w, 2.0),
        lambda w, x: ag.where(ag.step(w), w, x) - relu(-w),
        lambda w, x: ag.total([relu(w), relu(w), abs(w)]) + ag.leaky_relu(w),
    ],
)
def test_sums_of_truth_values_count_them(function, reduce):
    w = Value(1.5, "w")
    program = compile(lambda x: function(w, x[0]) + x[0], parameters=[w], reduce=reduce)
    same(program, x=[[1.0], [-2.0], [3.0]])


def test_a_negative_base_keeps_its_sign():
    w = Value(3.0, "w")
    same(compile(lambda x: w * Value(-2.0) ** x[0], parameters=[w]), x=[[2.0], [4.0]])


def test_factors_whose_product_is_no_float_are_multiplied_one_by_one():
    w = Value(1e-250, "w")
    program = compile(lambda x: ((w * 1e200) * x[0]).sin() * 1e200, parameters=[w])
    assert program.value(x=[[1e-250]]) == pytest.approx(1e-100, rel=1e-12)
    same(program, x=[[1e-250]])


@pytest.mark.parametrize(
    ("graph", "reduce"),
    sampled([(graph, reduce) for graph in GRAPHS for reduce in ("mean", "sum")], 7),  # tests/test_gallery.py has both
    ids=lambda case: getattr(case, "__name__", case),
)
def test_the_text_of_a_graph_gives_what_the_program_gives(graph, reduce):
    cost, inputs = graph(np.random.default_rng(3))
    rng = np.random.default_rng(4)
    program = lift(cost, inputs, reduce=reduce)
    for count in (1, 3):
        rows = {name: np.array([row] * count) for name, row in row_of(inputs).items()}
        same(program, 1.0, **{name: array * rng.uniform(0.9, 1.1, array.shape) for name, array in rows.items()})


def test_matrices_are_multiplied_and_short_names_are_raised_as_people_write_it():
    module = importlib.import_module("tests.gallery.attention")
    program = compile(module.fun)
    program.value(**rows_of(module))
    for line in ("s = 0.7071067811865475 * (q @ k.swapaxes(-1, -2))", "o = a @ v", "dv = a.swapaxes(-1, -2) @ do"):
        assert f"    {line}\n" in program.source
    w = [Value(0.5, "w0"), Value(0.2, "w1")]
    program = compile(lambda x: 3.0 * (w[0] * x[0] + w[1] * x[1]) ** 2, parameters=w)
    program.value(x=[[1.0, 2.0]])
    assert "    s = w0 * x[:, 0] + w1 * x[:, 1]\n    loss = 3.0 * s**2\n" in program.source


@pytest.mark.parametrize(
    ("function", "edges"),
    [
        (lambda w: ag.sqrt(w * w + 1.0), False),
        (lambda w: ag.sqrt(w * w - 1.0), True),
        (lambda w: ag.sqrt(ag.exp(w) + 2.0 * w * w), False),
        (lambda w: ag.sqrt(ag.exp(w) - 0.5 * w * w), True),
        (lambda w: ag.sqrt(3.0 * ag.exp(w)), False),
        (lambda w: ag.sqrt(w), True),
        (lambda w: ag.sqrt(w * w), True),
    ],
)
def test_a_text_passes_over_what_is_undefined_unless_a_root_is_of_what_is_positive(function, edges):
    w = Value(2.0, "w")
    program = compile(lambda x: function(w) * x[0], parameters=[w])
    program.value(x=ROWS)
    found = program.derivation.found
    assert has_edges({each: found.terms[each] for each in found.forward}, found.terms.values()) is edges


# --- names ----------------------------------------------------------------------------------------

FOLDED = ["µμ", "ϵε", "ϕφ", "\u212aK"]  # pairs that Python takes for one name


@pytest.mark.parametrize("pair", FOLDED)
def test_inputs_that_python_takes_for_one_stay_two(pair):
    w, v = Value(1.3), Value(0.7)
    program = compile(lambda **rows: (w * rows[pair[0]][0] - 2.0 * v * rows[pair[1]][0]) ** 2, parameters=[w, v])
    same(program, **{pair[0]: [[1.0], [2.0]], pair[1]: [[3.0], [1.0]]})


@pytest.mark.parametrize("pair", FOLDED)
def test_parameters_that_python_takes_for_one_stay_two(pair):
    leaves = [Value(1.0 + k, f"{name}[{k % 2}]") for k, name in enumerate((pair[0], pair[0], pair[1], pair[1]))]
    program = compile(lambda x: total([leaf * leaf * x[0] for leaf in leaves]))
    assert list(program.value_and_grad(x=ROWS)[1]) == list(pair)
    same(program, x=ROWS)


def test_code_in_the_name_of_an_input_is_refused():
    w = Value(1.0, "w")
    for name in ("x):\n    raise SystemExit\ndef f(", "a b", ""):
        with pytest.raises(TypeError, match="an input's name must be an identifier"):
            compile(lambda **rows: w * next(iter(rows.values()))[0]).value(**{name: ROWS})
        with pytest.raises(TypeError, match="an input's name must be an identifier"):
            lift(w * w, {name: [Value(1.0)]})


@given(st.lists(st.text(max_size=4) | st.sampled_from(["class", "__debug__", "µ", "μ", "N", "a.b", "a_b", "ﬁ", "2"])))
def test_names_are_identifiers_that_stay_apart(wanted):
    names = Identifiers({"N"})
    found = [names.new(each) for each in wanted]
    assert len(set(found)) == len(found)
    namespace: dict = {}
    exec("\n".join(f"{name} = {k}" for k, name in enumerate(found)), namespace)
    assert [namespace.get(name) for name in found] == list(range(len(found)))
    assert "N" not in found


# --- operations of one's own ----------------------------------------------------------------------


def own(name, text, power=3.0, array=None):
    return Op(
        name,
        forward=lambda x: x**power,
        partials=(lambda out, x: power * x ** (power - 1.0),),
        array=array,
        numpy=text,
        samples=((0.7,),),
    )


def test_an_operation_of_your_own_is_defined_by_its_text():
    w = Value(1.5, "w")
    cube = own("cube", "def cube(x):\n    return x**3.0")
    same(compile(lambda x: cube(w * x[0]), parameters=[w]), x=ROWS)


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ([own("cube", "def other(x):\n    return x**3.0")], "the `numpy` text of 'cube' must define 'cube'"),
        ([own("a b", "def f(x):\n    return x**3.0")], "the `numpy` text of 'a b' must define 'a b'"),
        (
            [own("cube", "def cube(x):\n    return x**3.0"), own("cube", "def cube(x):\n    return x**2.0", 2.0)],
            "two operations define 'cube'",
        ),
        # of another library, under a name that NumPy gives to another function or to none
        ([own("power3", "", array=np.frompyfunc(lambda x: x**3.0, 1, 1))], "there is no source for 'power3'"),
    ],
)
def test_an_operation_whose_text_is_not_its_own_is_refused(operations, message):
    w = Value(1.5, "w")
    program = compile(lambda x: total([op(w * x[0]) for op in operations]), parameters=[w])
    program.value(x=ROWS)
    with pytest.raises(TypeError, match=message):
        program.source  # noqa: B018  # the property raises


# --- rows -----------------------------------------------------------------------------------------


def test_the_text_refuses_rows_for_which_a_comparison_comes_out_otherwise():
    w = Value(1.5, "w")
    program = compile(lambda x: w * x[0] if x[0] > 0.0 else -3.0 * w * x[0], parameters=[w])
    same(program, x=ROWS)
    with pytest.raises(ValueError, match=r"test_lift_source.py, line \d+ gives True, not for these rows"):
        by_source(program, {"x": [[1.0], [-2.0]]})


# --- sums without writing -------------------------------------------------------------------------


@given(st.integers(1, 12), st.lists(st.integers(0, 11), min_size=1, max_size=60))
def test_gathers_add_up_what_has_the_same_place(size, places):
    places = np.array(places) % size
    values = np.random.default_rng(0).normal(size=len(places))
    expected = np.zeros(size)
    np.add.at(expected, places, values)
    indices, order = gathers(places, size)
    found = np.concatenate([np.where(index < 0, 0.0, values[index]).sum(axis=1) for index in indices])
    np.testing.assert_allclose(found if order is None else found[order], expected, atol=1e-13)
    assert sum(index.size for index in indices) <= 2 * (len(places) + size)


def unrolled(steps):
    W, U = ([[Value(0.1 * (i - 2 * j) + 0.3, f"{n}[{i},{j}]") for j in range(2)] for i in range(2)] for n in "WU")
    x = [Value(0.1 * k - 0.2) for k in range(2 * steps)]
    h = [Value(0.0, "h[0]"), Value(0.0, "h[1]")]
    losses = []
    for k in range(steps):
        h = [(affine(W[i], h) + affine(U[i], x[2 * k : 2 * k + 2])).tanh() for i in range(2)]
        losses.append(h[0] * h[1])
    return lift(total(losses), {"x": x})


def test_the_text_of_a_recurrent_network_grows_with_its_steps():
    short, long, longer = (len(unrolled(steps).source) for steps in (20, 40, 80))
    assert longer - long <= max(2.2 * (long - short), 10)  # and steps that are alike stand in a loop
    same(unrolled(5), x=[np.linspace(-0.5, 0.5, 10), np.linspace(0.3, -0.1, 10)])


def test_another_library_of_arrays_runs_the_text():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    program = unrolled(3)
    batch = {"x": np.linspace(-0.5, 0.5, 12).reshape(2, 6)}
    loss, gradients = program.value_and_grad(**batch)
    module: dict = {}
    exec(program.source.replace("import numpy as np", "import jax.numpy as np"), module)
    again, others = jax.jit(module["value_and_grad"])(dict(program.parameters), **batch)
    assert float(again) == pytest.approx(loss, rel=1e-12)
    for name, array in gradients.items():
        np.testing.assert_allclose(others[name], array, rtol=1e-10)
