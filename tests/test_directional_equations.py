"""The equations under Pearlmutter's operator R give the products with the Hessian."""

import importlib

import numpy as np
import pytest

import autograd
import nn
from autograd import Value, affine, compile, log, softmax, total
from autograd.lift.derive.directional import directional_equations
from autograd.lift.language.evaluate import evaluated
from tests.sampled import sampled
from tests.test_gallery import NAMES, rows_of

EXACT = 1e-9  # of the largest entry


def by_equations(program, row, direction):
    """The product for one example, by parameter name, as the terms of the equations say it."""
    made, parameters = program.derivation, program.parameters
    equations = directional_equations(made.found)
    arrays = made.numbers(row, parameters)
    parts = made.numbers(row, direction)
    read = {r for term in equations.terms.values() for r in _read(term)}
    for family in read:
        if family.tangent_of is not None and family.kind == "parameter":
            arrays[family] = parts[family.tangent_of]
    numbers = evaluated(equations.terms, {f: a for f, a in arrays.items() if f.kind in ("input", "parameter")})
    found = {family.source: numbers[family] for family in equations.gradients}
    leaves = made.found.recognition.leaves.arrays
    return {
        name: found[family][before] if family in found else np.zeros(np.shape(parameters[name]))
        for name, (family, before) in leaves.items()
    }


def _read(term):
    family = getattr(term, "family", None)
    return {*([family] if family is not None else []), *(f for part in term.parts for f in _read(part))}


def in_parts(program, flat):
    return {each.name: flat[each.positions].reshape(each.shape) for each in program.derived.parameters.all}


@pytest.mark.parametrize("name", sampled(NAMES, 5))
def test_the_equations_of_every_architecture_give_the_product(name):
    module = importlib.import_module(f"tests.gallery.{name}")
    program, rows = compile(module.fun), {key: array[:1] for key, array in rows_of(module).items()}
    program.value(**rows)
    direction = np.random.default_rng(1).normal(size=program.flat.size)
    exact = in_parts(program, program.hvp(direction, **rows))
    found = by_equations(program, {key: array[0] for key, array in rows.items()}, in_parts(program, direction))
    largest = max(float(np.abs(array).max()) for array in exact.values())
    for key, array in exact.items():
        np.testing.assert_allclose(found[key].reshape(array.shape), array, rtol=0, atol=EXACT * max(largest, 1.0))
    assert program.hvp_equations().startswith("Forward\n")


def test_they_give_what_the_engine_gives():
    rng = np.random.default_rng(2)
    shapes = {"W1": (4, 3), "b1": (4,), "W2": (2, 4), "b2": (2,)}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    start, direction = rng.normal(size=(2, sum(sizes)))
    x, t = [0.3, -0.7, 1.1], [0.2, 0.8]

    def arrays(values):
        parts = np.split(np.array(values, dtype=object), np.cumsum(sizes)[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}

    def loss(values, x=x, t=t):
        p = arrays(values)
        a = [affine(list(w), x, b).tanh() for w, b in zip(p["W1"], p["b1"], strict=True)]
        return nn.cross_entropy([affine(list(w), a, b) for w, b in zip(p["W2"], p["b2"], strict=True)], t)

    exact = arrays(autograd.hvp(loss, start.tolist(), direction.tolist()))
    leaves = [Value(v) for v in start]
    named = {name: array.tolist() for name, array in arrays(leaves).items()}
    program = compile(lambda x, t: loss(leaves, x, t), parameters=named)
    program.value(x=[x], t=[t])
    found = by_equations(program, {"x": np.array(x), "t": np.array(t)}, arrays(direction))
    for name, array in exact.items():
        np.testing.assert_allclose(found[name].astype(float), array.astype(float), rtol=1e-12, atol=1e-12)


def test_a_part_of_a_direction_has_the_name_of_its_parameter():
    w = [Value(0.5 * k, f"w[{k}]") for k in range(3)]
    program = compile(lambda x: 0.5 * total([a * b for a, b in zip(w, x, strict=True)]) ** 2)
    program.value(x=[[1.0, 2.0, 3.0]])
    assert program.hvp_equations() == (
        "Forward\n"
        "  R{y} = R{w}ᵀx\n"
        "Backward\n"
        "  R{δy} = R{y}\n"
        "The product with the Hessian\n"
        "  R{∂C/∂w} = R{δy}x\n"
        "\n"
        "R{v} is the derivative of v in the direction R{w}; R of an input is 0.\n"
        "What stands here without R is as in the equations of the program, and so is what a batch does.\n"
    )


def test_what_is_assumed_of_the_targets_is_said():
    layer = nn.MLP(2, [2], "identity", seed=0)

    def of_a_softmax(x, t):
        return -total(t_n * log(p_n) for t_n, p_n in zip(t, softmax(layer(x)), strict=True))

    program = compile(of_a_softmax, parameters=layer)
    program.value(x=[[1.0, 2.0]], t=[[0.0, 1.0]])
    said = "the members of the input t sum to 1. What runs does not assume it.\n"
    assert said in program.hvp_equations()
    program = compile(of_a_softmax, parameters=layer)
    program.value(x=[[1.0, 2.0]], t=[[0.5, 1.0]])
    assert "Assumed" not in program.hvp_equations()
