"""Programs in use: arrays of any kind, calls in any order, errors between them, kinks, and both ways of running."""

from __future__ import annotations

import copy
import pickle
import random
import warnings

import numpy as np
import pytest

import autograd as ag
from autograd import DomainError, Op, Value, affine, compile, lift, ops, total
from autograd.lift import program as program_module
from autograd.lift.run.runner import runner
from autograd.op import Domain
from tests.lift_graphs import random_function
from tests.sampled import sampled

KINDS = ("value", "losses", "backward", "outputs")
EXACT = 1e-10


def with_outputs(seed):
    """Return a random function with its parameters and two outputs, and a batch of any size for it."""
    n_x, n_t, count, function = random_function(seed)
    rng = np.random.default_rng(seed)
    parameters = [Value(v) for v in rng.normal(size=count)]

    def loss(x, t=()):
        found = function(x, t, parameters)
        return found, {"y": [found, x[0] * 2.0], "constant": 3.0}

    def batch(rows):
        return {"x": rng.normal(size=(rows, n_x)), **({"t": rng.normal(size=(rows, n_t))} if n_t else {})}

    return loss, parameters, batch


def flat_results(program, kind, batch):
    """Return what a run gives as one vector, with the gradient behind it after a reverse pass."""
    found = getattr(program, kind)(**batch)
    parts = list(found.values()) if kind == "outputs" else [found]
    return np.concatenate([*map(np.ravel, parts), program.flat_gradient if kind == "backward" else []])


# --- both ways of running ---------------------------------------------------------------------------


def _forbidden(*_, **__):
    raise AssertionError("a batch with nothing wrong in it is looked at step by step")


def _doubting(_):
    raise FloatingPointError


def checked(program):
    """Return a copy of a program that looks at every step."""
    again = copy.deepcopy(program)
    again._function = lambda *_: _doubting
    return again


def assert_both_ways_agree(program, batch, monkeypatch, kinds=KINDS):
    """Hold that a batch runs without a second look, and that a second look finds the same."""
    slow = checked(program)
    for kind in kinds:
        expected = flat_results(slow, kind, batch)
        with monkeypatch.context() as patch:
            patch.setattr(program_module, "checked_result", _forbidden)
            for _ in range(2):  # the second time in buffers that hold the numbers of the first
                found = flat_results(program, kind, batch)
                np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max(initial=1e-3))


@pytest.mark.parametrize("seed", sampled(range(60), 2))
def test_a_healthy_batch_runs_once_and_checked_step_by_step_gives_the_same(seed, monkeypatch):
    loss, parameters, batch = with_outputs(seed)
    program = compile(loss, parameters=parameters, reduce="sum" if seed % 3 == 0 else "mean")
    batches = [batch(rows) for rows in (3, 1, 5)]
    try:
        values = [np.abs(program.losses(**each)).max() for each in batches]
    except DomainError:
        return
    for each, value in zip(batches, values, strict=True):
        if value < 1e8:
            assert_both_ways_agree(program, each, monkeypatch)


# --- code that few programs need ----------------------------------------------------------------------


def numbers(*values):
    return [Value(v) for v in values]


def rows_of(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return [numbers(*row) for row in rng.normal(size=shape)]


HYPOTENUSE = Op(
    "hypotenuse",
    forward=lambda *values: float(np.hypot.reduce(values)),
    partials=lambda out, *values: [value / out for value in values],
)
ROOT = Op(
    "root",
    forward=lambda x: abs(x) ** 0.5,
    array=lambda x: np.sqrt(np.abs(x)),
    partials=(lambda out, x: 0.5 / out,),
    domain=Domain(holds=lambda x: x > 0.0, requirement="x > 0", refused=((-1.0,),)),
)
W, V, B = rows_of(3, 3), rows_of(3, 3, seed=1), numbers(0.5, -0.25, 0.125)


def _dense(matrix, a, bias=(0.0, 0.0, 0.0)):
    return [affine(row, a, b) for row, b in zip(matrix, bias, strict=True)]


def _squares(values):
    return total([v * v for v in values])


RARE = {
    "sets of rows": lambda x: total([ag.logsumexp([w * v for w, v in zip(row, x, strict=True)]) for row in W]),
    "any number of arguments": lambda x: HYPOTENUSE([*_dense(W, x), x[0]]) + HYPOTENUSE(numbers(3.0, 4.0)),
    "a domain": lambda x: ROOT(x[0] * x[0] * W[0][0] * W[0][0] + 1.0),
    "guards": lambda x: _squares(_dense(W, x)) if x[0] > -9.0 and W[0][0] < 9.0 else 0.0,
    "nothing that depends on x": lambda x: _squares(W[0]) + 1.0,
    "no parameter": lambda x: _squares(x),
    "a number": lambda x: 2.5,
    "two matrices with one bias": lambda x: _squares(
        [affine([*w, *v], [*x, *x], b).tanh() for w, v, b in zip(W, V, B, strict=True)]
    ),
    "a matrix twice, one bias": lambda x: _squares(_dense(W, [z.tanh() for z in _dense(W, x, B)])),
    "a matrix twice, the other bias": lambda x: _squares(_dense(W, [z.tanh() for z in _dense(W, x)], B)),
    "a bias twice": lambda x: _squares(_dense(V, [z.tanh() for z in _dense(W, x, B)], B)),
    "a bias in the cost": lambda x: _squares(_dense(W, x, B)) + _squares(B),
    "a transposed matrix": lambda x: _squares(
        _dense(list(zip(*W, strict=True)), [z.tanh() for z in _dense(W, x, B)], B)
    ),
    "a part of a matrix": lambda x: (
        _squares([affine(row[:2], x[:2], b).tanh() for row, b in zip(W, B, strict=True)])
        + _squares([row[2] for row in W])
    ),
    "reversed and repeated": lambda x: _squares([w * x[(2 * k) % 3] for k, w in enumerate([*B[::-1], *B, B[0]])]),
    "attention": lambda x: _squares(
        [
            total([p * v for p, v in zip(ag.softmax([q * k for k in _dense(V, x)]), x, strict=True)])
            for q in _dense(W, x)
        ]
    ),
    "runs of many lengths": lambda x: _squares(
        [total([x[k % 3] * B[j % 3] for j in range(k + 1)]).tanh() for k in range(5)]
    ),
}


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_rare_parts_of_programs_give_what_the_engine_gives_in_both_ways(name, reduce, monkeypatch):
    rng = np.random.default_rng(0)
    leaves = [leaf for rows in (*W, *V, B) for leaf in rows]
    program = compile(lambda **of: RARE[name](of["x"]), parameters={"W": W, "V": V, "B": B}, reduce=reduce)
    for rows in (2, 1, 7):
        X = rng.normal(size=(rows, 3))
        for leaf in leaves:
            leaf.grad = 0.0
        share = 1.0 / rows if reduce == "mean" else 1.0
        costs = [RARE[name](x) for x in X.tolist()]
        for cost in costs:
            if isinstance(cost, Value):
                cost.backward(share)
        loss, gradients = program.value_and_grad(x=X)
        assert loss == pytest.approx(share * sum(float(getattr(cost, "data", cost)) for cost in costs), rel=EXACT)
        for key, nested in (("W", W), ("V", V), ("B", [B])):
            exact = np.array([[leaf.grad for leaf in row] for row in nested]).reshape(gradients[key].shape)
            np.testing.assert_allclose(gradients[key], exact, rtol=EXACT, atol=EXACT * np.abs(exact).max())
        assert_both_ways_agree(program, {"x": X}, monkeypatch, KINDS[:3])


def test_leaves_that_are_constants_may_cancel():
    w, x = Value(2.0, "w"), Value(3.0)
    program = lift(ag.exp(x - (x + x) / 2) * w, {}, [w])
    assert program.value_and_grad() == (2.0, {"w": 1.0})
    assert lift(ag.exp(x - (x + x) / 2) * w, {}, [w], reduce="sum").value_and_grad() == (2.0, {"w": 1.0})
    module: dict = {}
    exec(program.source, module)
    assert module["value_and_grad"](dict(program.parameters)) == (2.0, {"w": 1.0})


@pytest.mark.parametrize(("name", "products"), [("a bias in the cost", 1), ("a matrix twice, one bias", 2)])
def test_a_bias_beside_its_matrix_is_part_of_the_product(name, products):
    program = compile(RARE[name], parameters={"W": W, "V": V, "B": B})
    program.value(x=np.ones((2, 3)))
    _, text = runner(program.derived, program.flat, program.flat_gradient, 2, "value", mean=True)
    assert sum(line.strip().startswith("dot(") for line in text.splitlines()) == products
    assert "add(" not in text


def test_the_gradient_of_a_bias_is_part_of_the_product_that_is_its_matrix_gradient():
    C = numbers(0.5, 1.0, -1.0)
    network = {"W": W, "B": B, "V": V, "C": C}
    program = compile(lambda x: _squares(_dense(V, [z.tanh() for z in _dense(W, x, B)], C)), parameters=network)
    program.value(x=np.ones((2, 3)))
    _, text = runner(program.derived, program.flat, program.flat_gradient, 2, "backward", mean=True)
    # two products forward, two for the gradients, one for the adjoint of the hidden layer
    assert sum(line.strip().startswith("dot(") for line in text.splitlines()) == 5
    assert "reduce(" not in text


def test_a_compiled_logsumexp_keeps_the_digits_of_a_sum_near_1():
    w = numbers(0.0, -40.0)
    for examples in (1, 3):
        program = compile(lambda x: ag.logsumexp([v * x[0] for v in w]), parameters={"w": w})
        assert program.value(x=np.ones((examples, 1))) == pytest.approx(np.exp(-40.0), rel=1e-14, abs=0.0)


# --- domains, numbers that are not finite, errors ---------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last", [True, False])
def test_the_domain_of_an_operation_of_your_own_is_kept_in_code_that_has_run(kind, last):
    w = Value(2.0, "w")
    everything = Op("root", forward=abs, partials=ops.abs.partials, domain=Domain(lambda _: True, "numbers", ()))

    def loss(x):
        root = ROOT(w * x[0])
        return root if last else everything(root + 1.0) ** 2, {"root": root}

    program = compile(loss, parameters=[w])
    program.value(x=[[1.0], [2.0]])
    run = getattr(program, kind)
    for _ in range(2):
        run(x=[[1.0], [2.0]])
        with pytest.raises(DomainError, match=r"root needs x > 0, got x = -2.0 in .* at row 1"):
            run(x=[[1.0], [-1.0]])


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_refused_where_no_result_shows_it(kind, number):
    w = numbers(1.0, 2.0, 3.0)
    program = compile(lambda x: ag.step(w[0]) * x[0] + ag.minimum(w[1], -1.0) + w[2] * 0.0, parameters={"w": w})
    for k in range(3):
        program.value(x=[[1.0]])
        program.flat[k] = number
        with pytest.raises(ValueError, match="parameter 'w' holds NaN or infinity"):
            getattr(program, kind)(x=[[1.0]])
        program.pull()


def test_a_batch_that_raises_leaves_no_half_of_a_gradient():
    w = numbers(4.0, 1.0, 2.0)
    program = compile(lambda x: w[0].sqrt() * x[0] + ag.exp(w[1] * x[0]) + w[2] * x[0], parameters={"w": w})
    good = {"x": [[1.0], [2.0]]}
    _, expected = program.value_and_grad(**good)
    for bad in ({"w": [0.0, 1.0, 2.0]}, {"w": [4.0, 800.0, 2.0]}):
        program.backward(**good)
        program.parameters["w"] = bad["w"]
        with pytest.raises(DomainError):
            program.backward(**good)
        assert not program.flat_gradient.any()
        program.pull()
        program.backward(**good)
        np.testing.assert_array_equal(program.gradients["w"], expected["w"])
        with pytest.raises(ValueError, match="'x' needs"):
            program.backward(x=[[np.nan]])
        np.testing.assert_array_equal(program.gradients["w"], expected["w"])


# --- arrays of any kind -----------------------------------------------------------------------------

ARRAYS = {
    "list": np.ndarray.tolist,
    "columns first": np.asfortranarray,
    "every second of a larger array": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda a: np.frombuffer(a.tobytes()).reshape(a.shape),
    "unpickled": lambda a: pickle.loads(pickle.dumps(a)),
    "other byte order": lambda a: a.astype(">f8"),
    "half": lambda a: a.astype(np.float16),
    "single": lambda a: a.astype(np.float32),
    "integers": lambda a: a.astype(np.int8),
    "truth values": lambda a: a.astype(bool),
    "matrix": lambda a: a.view(np.matrix),
    "masked": np.ma.array,
    "objects": lambda a: list(map(tuple, a.tolist())),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_arrays_of_any_kind_give_the_same(name, rows):
    def loss(x, t):
        y = _dense(V, [z.tanh() for z in _dense(W, x, B)])
        return _squares([p - q for p, q in zip(y, t, strict=True)]) + x[0] * x[1], {"y": y}

    rng = np.random.default_rng(rows)
    program = compile(loss, parameters={"W": W, "V": V, "B": B})
    plain = {key: rng.integers(0, 2, size=(rows, 3)).astype(float) for key in ("x", "t")}
    program.value(**plain)
    given = {key: ARRAYS[name](values) for key, values in plain.items()}
    for kind in KINDS:
        expected = flat_results(program, kind, plain)
        program.flat_gradient[:] = 7.0
        for _ in range(2):
            np.testing.assert_allclose(flat_results(program, kind, given), expected, rtol=1e-13, atol=1e-13)


# --- calls in any order -----------------------------------------------------------------------------


def _on_a_kink(rng, v, u):
    """Return an expression with a kink, or with a derivative that is undefined where nothing is upstream."""
    root = ag.sqrt(ag.relu(v))
    made = (
        lambda: root * ag.relu(-v),
        lambda: ag.where(ag.step(v), root, u),
        lambda: root * u,
        lambda: ag.sqrt(v * v),
        lambda: abs(v) ** ag.sigmoid(u),
        lambda: ag.relu(v) ** 1.5,
        lambda: ag.maximum(v, u) * ag.minimum(v, 0.0),
        lambda: ag.hypot(v, u),
        lambda: ag.log(ag.maximum(v, 0.25)),
    )
    return rng.choice(made)()


def kinked(seed, parameters):
    """Return a function of x whose kinks lie at integers."""

    def function(x):
        rng = random.Random(seed)
        pool = [list(x), list(parameters)]
        for _ in range(rng.randint(1, 4)):
            one, other = rng.choice(pool), rng.choice(pool)
            if rng.random() < 0.3:
                pool.append([affine(parameters[: len(one)], one[:5], 0.0), *(rng.choice(one) for _ in range(2))])
            else:
                kind = rng.random()
                pool.append([_on_a_kink(random.Random(kind), v, other[k % len(other)]) for k, v in enumerate(one)])
        return total([v for values in pool[-2:] for v in values])

    return function


def by_rows(function, parameters, X):
    """Return the mean loss with its gradient, NaN where that is undefined; None where the loss is."""
    for leaf in parameters:
        leaf.grad = 0.0
    try:
        costs = [function(x) for x in X.tolist()]  # of numbers: the engine is not asked for derivatives by x
    except DomainError:
        return None
    try:
        for cost in costs:
            if isinstance(cost, Value):
                cost.backward(1.0 / len(X))
        gradient = [leaf.grad for leaf in parameters]
    except DomainError:
        gradient = [np.nan] * len(parameters)
    return np.array([np.mean([float(getattr(cost, "data", cost)) for cost in costs]), *gradient])


@pytest.mark.parametrize("seed", sampled(range(40), 2))
def test_calls_in_any_order_with_errors_between_them_give_what_the_engine_gives(seed):
    rng, choices = np.random.default_rng(seed), random.Random(seed)
    parameters = numbers(*rng.integers(-2, 3, size=5).astype(float))
    function = kinked(seed, parameters)
    program = compile(lambda **of: function(of["x"]), parameters={"p": parameters})  # which some do not read
    recorded = False
    for _ in range(14):
        rows, kind = choices.choice((1, 2, 7, 3, 4, 5, 6, 8, 9, 10)), choices.choice((*KINDS[:3], "change", "wrong"))
        X = choices.choice((rng.normal(size=(rows, 3)), rng.integers(-1, 2, size=(rows, 3)) * 1.0))
        if kind == "change" and recorded:
            for leaf in parameters:
                leaf.data = float(rng.choice([rng.normal(), rng.integers(-1, 2)]))
            program.pull()
        elif kind == "wrong" and recorded:
            with pytest.raises(ValueError, match="'x' needs"):
                program.backward(x=choices.choice((np.full_like(X, np.inf), np.full_like(X, np.nan))))
        elif kind in KINDS:
            exact = by_rows(function, parameters, X)
            try:
                found = getattr(program, kind)(x=X)
            except DomainError:
                assert exact is None or (kind == "backward" and np.isnan(exact).any())
                continue
            recorded = True
            assert exact is not None
            if kind == "losses":
                found = found.mean()
            allowed = EXACT * np.abs(exact[~np.isnan(exact)]).max()
            assert found == pytest.approx(exact[0], rel=EXACT, abs=allowed)
            if kind == "backward":
                np.testing.assert_allclose(program.gradients["p"], exact[1:], rtol=1e-9, atol=allowed)
                module: dict = {}
                exec(program.source, module)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # NumPy's, where a derivative is undefined and nothing upstream
                    _, by_source = module["value_and_grad"](dict(program.parameters), X)
                np.testing.assert_allclose(by_source["p"], exact[1:], rtol=1e-9, atol=allowed)
