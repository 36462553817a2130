"""The C text of a program gives what the program gives, or says that it does not."""

import ctypes
import shutil
import subprocess
import threading

import mpmath
import numpy as np
import pytest

import autograd as ag
import nn
from autograd import DomainError, Op, Value, compile, ops
from autograd.lift.run import native as native_module
from autograd.lift.write.c_functions import functions_in
from nn.loss.loss_table import LOSSES
from nn.model.activations import ACTIVATIONS
from tests.lift_graphs import branching, piecewise_linear, random_function
from tests.page_blocks import run_python_blocks
from tests.sampled import sampled

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler on this machine"
)
EQUAL = 1e-12  # of the largest entry: the order of sums is another one
QUICK = ("-std=c99", "-O1", "-fno-math-errno", "-shared", "-fPIC")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "deltagrad"


@pytest.fixture
def quick(monkeypatch):
    """Compile without the optimisations that take most of the time."""
    monkeypatch.setattr(native_module, "OPTIONS", QUICK)


def by_code(native, batch):
    """Return the status of the code for a batch, its loss and its gradient, whatever the program would do then."""
    rows, arrays, loss, memory = native._call(batch)
    program = native.program
    gradient = np.full(program.flat.size, np.nan)
    numbers = [program.flat, *arrays]
    addresses = [array.ctypes.data for array in numbers]
    status = native._gradient(*addresses, rows, loss.ctypes.data, gradient.ctypes.data, memory)
    return status, loss[0], gradient


def assert_equal(program, batch, tolerance=EQUAL):
    value = program.backward(**batch)
    expected = program.flat_gradient.copy()
    status, loss, gradient = by_code(program.native(), batch)
    assert status == 0
    assert abs(loss - value) <= tolerance * max(1.0, abs(value))
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance * max(1.0, np.abs(expected).max(initial=0.0)))


# --- networks -------------------------------------------------------------------------------------

TARGETS = {
    "cross_entropy": np.eye(3),
    "binary_cross_entropy": np.eye(3),
    "binary_cross_entropy_with_logits": np.eye(3),
    "hinge_loss": 2.0 * np.eye(3) - 1.0,
}


@pytest.mark.parametrize("reduce", ["mean", pytest.param("sum", marks=pytest.mark.slow)])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.usefixtures("quick")
def test_networks_with_every_loss(loss, reduce):
    rng = np.random.default_rng(0)
    last = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    model = nn.MLP(4, [6, 3], activation="tanh", output_activation=last, seed=0)
    program = compile(lambda x, t: LOSSES[loss](model(x), t), parameters=model, reduce=reduce)
    targets = TARGETS.get(loss, rng.normal(size=(3, 3)))[rng.integers(0, 3, 41)]
    assert_equal(program, {"x": rng.normal(size=(41, 4)), "t": targets})


@pytest.mark.parametrize("activation", sampled(ACTIVATIONS, 3))
@pytest.mark.usefixtures("quick")
def test_networks_with_every_activation(activation):
    rng = np.random.default_rng(1)
    model = nn.MLP(3, [5, 5, 2], activation=activation, output_activation="identity", seed=0)
    program = compile(lambda x, t: nn.half_squared_error(model(x), t), parameters=model)
    assert_equal(program, {"x": 3.0 * rng.normal(size=(33, 3)), "t": rng.normal(size=(33, 2))})


def test_any_number_of_rows_with_all_optimisations():
    rng = np.random.default_rng(2)
    model = nn.MLP(70, [9, 4], activation="tanh", seed=0)
    penalty = 0.01
    program = compile(
        lambda x, t: nn.cross_entropy(model(x), t) + penalty * ag.total([w * w for w in model.parameters()]),
        parameters=model,
    )
    for rows in (1, 2, 31, 32, 33, 64, 100):
        assert_equal(program, {"x": rng.normal(size=(rows, 70)), "t": np.eye(4)[rng.integers(0, 4, rows)]})


def attention(x, w):
    q, k, v = ([[ag.total([a * b for a, b in zip(row, column, strict=True)]) for column in m] for row in x] for m in w)
    scores = [[ag.total([a * b for a, b in zip(one, other, strict=True)]) for other in k] for one in q]
    shares = [ag.softmax(row) for row in scores]
    mixed = [[ag.total([s * row[j] for s, row in zip(own, v, strict=True)]) for j in range(2)] for own in shares]
    return ag.total([each * each for row in mixed for each in row])


@pytest.mark.usefixtures("quick")
def test_attention():
    rng = np.random.default_rng(3)
    w = [[[Value(rng.normal(), f"{name}[{i},{j}]") for j in range(3)] for i in range(2)] for name in ("Wq", "Wk", "Wv")]
    program = compile(lambda x: attention(x, w), parameters=[leaf for m in w for row in m for leaf in row])
    assert_equal(program, {"x": rng.normal(size=(40, 4, 3))})


# --- random functions -----------------------------------------------------------------------------


def random_program(seed, generator):
    rng = np.random.default_rng(seed)
    n_x, n_t, n_parameters, function = generator(seed)
    parameters = [Value(number) for number in rng.normal(size=n_parameters)]
    rows = int(rng.integers(1, 70))
    batch = {"x": rng.normal(size=(rows, n_x)), **({"t": rng.normal(size=(rows, n_t))} if n_t else {})}
    reduce = "mean" if seed % 2 else "sum"
    return compile(lambda x, t=(): function(x, t, parameters), parameters=parameters, reduce=reduce), batch


@pytest.mark.parametrize("generator", [random_function, piecewise_linear, branching])
@pytest.mark.parametrize("seeds", [range(4), pytest.param(range(4, 60), marks=pytest.mark.slow)])
@pytest.mark.usefixtures("quick")
def test_random_functions(generator, seeds):
    compared = 0
    for seed in seeds:
        program, batch = random_program(seed, generator)
        try:
            value = program.backward(**batch)
        except (ArithmeticError, ValueError, RuntimeError):
            continue
        expected = program.flat_gradient.copy()
        native = program.native()
        status, loss, gradient = by_code(native, batch)
        if status == 0:
            scale = max(1.0, abs(value), np.abs(expected).max(initial=0.0))
            assert abs(loss - value) <= 1e-10 * scale, seed
            np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-10 * scale, err_msg=str(seed))
            compared += 1
        assert abs(native.backward(**batch) - value) <= 1e-10 * max(1.0, abs(value))
    assert compared >= max(1, len(seeds) // 10)  # of a function with branches most rows take another path


# --- functions of its own -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    """Return the library of the functions, elementwise over arrays, as a compiler takes several at a time."""
    folder = tmp_path_factory.mktemp("functions")
    names = ("fast_exp", "fast_tanh", "fast_sigmoid")
    calls = " ".join(f"{name}(0)" for name in names)
    loops = "\n".join(
        f"void all_{name}(const double *x, double *y, long n) {{ for (long k = 0; k < n; k++) y[k] = {name}(x[k]); }}"
        for name in names
    )
    head = "#include <math.h>\n#include <stdint.h>\n#include <string.h>\n"
    (folder / "f.c").write_text(head + "\n".join(functions_in(calls)) + "\n" + loops)
    command = [*native_module._compiler(), *native_module.OPTIONS, "f.c", "-o", "f.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "f.so"))


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("fast_exp", mpmath.exp),
        ("fast_tanh", mpmath.tanh),
        ("fast_sigmoid", lambda x: 1 / (1 + mpmath.exp(-x))),
    ],
)
def test_fast_functions_are_off_by_two_units_at_most(fast, name, exact):
    rng = np.random.default_rng(4)
    x = np.concatenate(
        [
            rng.normal(size=1500) * 10.0 ** rng.uniform(-3.0, 2.0, 1500),
            rng.uniform(-1.0, 1.0, 500),
            np.linspace(-0.3466, 0.3466, 101) * 2.0,
            [0.0, 1e-300, -1e-300, 1e-9, -1e-9, 22.0, 36.0, -36.0, 700.0, -700.0, -708.0],
        ]
    )
    x = x[np.abs(x) < 708.5]
    y = np.empty_like(x)
    arguments = [ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(len(x))]
    getattr(fast, f"all_{name}")(*arguments)
    with mpmath.workdps(40):
        wrong = [abs(mpmath.mpf(b) - exact(mpmath.mpf(a))) / np.spacing(abs(b)) for a, b in zip(x, y, strict=True)]
    assert max(wrong) <= 2.0


def test_fast_exp_beyond_the_floats(fast):
    x = np.array([710.0, 1e300, -745.0, -746.0, -1e300, np.nan])
    y = np.empty_like(x)
    fast.all_fast_exp(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data), ctypes.c_long(len(x)))
    assert y[:5].tolist() == [np.inf, np.inf, 5e-324, 0.0, 0.0]
    assert np.isnan(y[5])


OPERATIONS = [op for op in ops.PRIMITIVES.values() if op.arity and op.name != "polygamma"]


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    """Return the library of the C texts of all operations."""
    folder = tmp_path_factory.mktemp("operations")
    texts = ["#include <math.h>", "#include <stdint.h>", "#include <string.h>"]
    texts += functions_in(" ".join(op.c for op in OPERATIONS))
    for op in OPERATIONS:
        arguments = ", ".join(f"double {letter}" for letter in "xyz"[: op.arity])
        texts.append(f"double op_{op.name}({arguments}) {{ return {op.c}; }}")
    (folder / "ops.c").write_text("\n".join(texts) + "\n")
    command = [*native_module._compiler(), *QUICK, "ops.c", "-o", "ops.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "ops.so"))


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_operation_has_a_c_text(op, operations):
    function = getattr(operations, f"op_{op.name}")
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * op.arity
    for sample in [*op.samples, *(kink.at for kink in op.at_kinks)]:
        assert abs(function(*sample) - op.forward(*sample)) <= 1e-14 * max(1.0, abs(op.forward(*sample)))


# --- where the numbers are not to be used ---------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_what_is_undefined_overflows_or_is_not_finite_is_answered_by_the_program():
    w = Value(2.0, "w")
    program = compile(lambda x: ag.log(x[0]) * w + ag.exp(w * x[0]), parameters=[w])
    program.value(x=[[1.0], [2.0]])
    native = program.native()
    for rows, error in (
        ([[1.0], [-1.0]], DomainError),
        ([[1.0], [0.0]], DomainError),
        ([[400.0], [1.0]], DomainError),
        ([[np.nan], [1.0]], ValueError),
        ([[np.inf], [1.0]], ValueError),
    ):
        assert by_code(native, {"x": np.array(rows)})[0] == 1
        with pytest.raises(error) as expected:
            program.backward(x=np.array(rows))
        with pytest.raises(error) as found:
            native.backward(x=np.array(rows))
        assert str(found.value) == str(expected.value)
        before = program.flat.copy()
        with pytest.raises(error):
            native.step(0.1, x=np.array(rows))
        assert np.array_equal(program.flat, before)


@pytest.mark.usefixtures("quick")
def test_another_path_is_answered_by_the_program():
    w = Value(2.0, "w")
    program = compile(lambda x: w * x[0] if x[0] > 0 else -3.0 * w * x[0], parameters=[w])
    program.value(x=[[1.0], [2.0]])
    native = program.native()
    assert by_code(native, {"x": np.array([[1.0], [-1.0]])})[0] == 2
    assert native.value_and_grad(x=[[1.0], [-1.0]]) == program.value_and_grad(x=[[1.0], [-1.0]])


@pytest.mark.usefixtures("quick")
def test_bad_input_is_refused_as_by_the_program():
    w = Value(2.0, "w")
    program = compile(lambda x: w * x[0] * x[1], parameters=[w])
    program.value(x=[[1.0, 3.0], [2.0, 1.0]])
    native = program.native()
    for batch in ({}, {"y": np.ones((2, 2))}, {"x": np.ones((0, 2))}, {"x": [["a", "b"]]}):
        with pytest.raises((TypeError, ValueError, LookupError)) as expected:
            program.backward(**batch)
        with pytest.raises(type(expected.value)) as found:
            native.backward(**batch)
        assert str(found.value) == str(expected.value)
    masked = np.ma.masked_array([[1.0, 2.0]], [[0, 1]])
    with pytest.raises(ValueError, match="mask"):
        native.backward(x=masked)
    assert native.backward(x=[1.0, 3.0]) == 6.0
    assert native.backward(x=np.ones((2, 3))) == 2.0  # another length is another recording


# --- the program and its code ---------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_steps_are_those_of_gradient_descent():
    iris = nn.data.load_iris()
    models = [nn.MLP(4, [5, 3], activation="tanh", seed=0) for _ in range(2)]
    programs = [compile(lambda x, t, m=m: nn.cross_entropy(m(x), t), parameters=m) for m in models]
    for program in programs:
        program.value(x=iris.X, t=iris.T)
    native = programs[1].native()
    for _ in range(20):
        loss = programs[0].backward(x=iris.X, t=iris.T)
        programs[0].flat -= 0.1 * programs[0].flat_gradient
        assert abs(native.step(0.1, x=iris.X, t=iris.T) - loss) <= 1e-12
    np.testing.assert_allclose(programs[1].flat, programs[0].flat, rtol=0, atol=1e-12)
    for rate in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="a learning rate must be finite and not negative"):
            native.step(rate, x=iris.X, t=iris.T)


@pytest.mark.usefixtures("quick")
def test_assignments_are_seen_and_another_recording_is_compiled_again():
    w, c = Value(2.0, "w"), Value(3.0)
    program = compile(lambda x: w * x[0] + c, parameters=[w])
    program.value(x=[[1.0]])
    native = program.native()
    assert native.backward(x=[[1.0]]) == 5.0
    w.data = 4.0
    assert native.backward(x=[[1.0]]) == 7.0
    c.data = 1.0
    assert [native.backward(x=[[1.0]]) for _ in range(2)] == [5.0, 5.0]


@pytest.mark.usefixtures("quick")
def test_the_recipe_does_what_it_says():
    names = run_python_blocks("recipes.md", "C")
    assert abs(names["loss"] - names["value"]) <= EQUAL
    for name, gradient in names["gradients"].items():
        assert gradient.shape == names["program"].gradients[name].shape
    assert names["program"].value(x=names["X"], t=names["T"]) < names["value"]


@pytest.mark.usefixtures("quick")
def test_threads_have_memory_of_their_own():
    model = nn.MLP(3, [8, 1], activation="tanh", seed=0)
    program = compile(lambda x, t: nn.half_squared_error(model(x), t), parameters=model)
    rng = np.random.default_rng(5)
    batches = [{"x": rng.normal(size=(50, 3)), "t": rng.normal(size=(50, 1))} for _ in range(4)]
    expected = [program.value(**batch) for batch in batches]
    native = program.native()
    wrong = [False] * 4

    def run(k):
        for _ in range(200):
            wrong[k] |= abs(native.backward(**batches[k]) - expected[k]) > 1e-12

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(wrong)


@pytest.mark.usefixtures("quick")
def test_labels_and_names_of_any_kind():
    labels = ("µ", "double", "loss", "2x", 'a"b', "W[0]\n", "exp", "N")
    parameters = [Value(0.1 * (k + 1), label) for k, label in enumerate(labels)]
    program = compile(lambda N, exp: ag.total([p * N[0] for p in parameters]) * exp[0], parameters=parameters)
    assert_equal(program, {"N": np.array([[1.0], [2.0]]), "exp": np.array([[3.0], [1.0]])})
    program.c_source().encode("ascii")


def test_what_has_no_c_text_is_refused():
    w = Value(2.0, "w")
    own = Op("own", forward=lambda x: x * x, partials=(lambda out, x: 2.0 * x,))
    for function, name in ((lambda x: ag.digamma(w * x[0]), "polygamma"), (lambda x: own(w * x[0]), "own")):
        program = compile(function, parameters=[w])
        program.value(x=[[1.0], [2.0]])
        with pytest.raises(TypeError, match=f"there is no C text for '{name}': give its Op a `c` text"):
            program.native()


@pytest.mark.usefixtures("quick")
def test_an_operation_of_ones_own_with_a_c_text():
    cube = Op("cube", forward=lambda x: x**3, c="x * x * x", partials=(lambda out, x: 3.0 * x * x,))
    w = Value(2.0, "w")
    assert_equal(compile(lambda x: cube(w * x[0]), parameters=[w]), {"x": np.array([[1.0], [2.0]])})


@pytest.mark.usefixtures("quick")
def test_code_is_kept_and_checked(cache):
    w = Value(2.0, "w")
    program = compile(lambda x: w * x[0], parameters=[w])
    program.value(x=[[1.0]])
    first = program.native().library
    made = first.stat().st_mtime_ns
    assert first.parent == cache
    assert program.native().library.stat().st_mtime_ns == made
    other = first.with_name("other.so")
    first.rename(other)  # what is loaded stays whole
    first.write_bytes(b"something else")
    assert program.native().backward(x=[[3.0]]) == 6.0
    assert first.read_bytes() == other.read_bytes()


def test_without_a_compiler_the_error_says_what_to_install(monkeypatch):
    w = Value(2.0, "w")
    program = compile(lambda x: w * x[0], parameters=[w])
    program.value(x=[[1.0]])
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(RuntimeError, match="the variable CC names 'no-such-compiler', which is not here"):
        program.native()
    monkeypatch.delenv("CC")
    monkeypatch.setattr(native_module.shutil, "which", lambda name: None)
    with pytest.raises(RuntimeError, match="native needs a C compiler, and there is none of cc, gcc, clang here"):
        program.native()


def test_before_the_first_batch_there_is_no_text():
    with pytest.raises(RuntimeError, match="nothing is recorded yet"):
        compile(lambda x: x[0] * 1.0).c_source()
