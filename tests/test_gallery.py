"""The equations of many architectures: the text, word for word, and what it computes when it is read."""

import importlib
import pkgutil
import re

import numpy as np
import pytest

from autograd import compile
from tests import gallery
from tests.index_notation import MisreadError
from tests.lift_graphs import by_source
from tests.read_back import require_that_the_text_holds, rows_of

# A root that may be one of 0, and paths that comparisons of numbers decide, are written as the program treats them.
AS_THE_PROGRAM = ("cosine", "siamese", "embedding_tokens", "microgpt_tokens", "softmax_shifted")
NAMES = [each.name for each in pkgutil.iter_modules(gallery.__path__) if each.name != "parameters"]


@pytest.fixture(scope="module", params=NAMES)
def case(request):
    """An architecture: its module, its program and a batch."""
    module = importlib.import_module(f"tests.gallery.{request.param}")
    program, rows = compile(module.fun), rows_of(module)
    program.value(**rows)
    return module, program, rows


def expected(module):
    return module.__doc__.partition("Prints:\n\n")[2]


def test_the_text_is_that_of_a_textbook(case):
    module, program, _ = case
    assert program.equations() == expected(module)


def test_the_text_gives_the_numbers_of_the_engine_when_it_is_read(case):
    _, program, rows = case
    require_that_the_text_holds(program, {name: values[1] for name, values in rows.items()})


@pytest.mark.parametrize("reduce", ["mean", pytest.param("sum", marks=pytest.mark.slow)])
def test_the_source_is_that_of_the_equations(case, reduce):
    """Lines on whole arrays and loops over steps: no table of indices, and the numbers of the program."""
    module, compiled, rows = case
    program = compiled if reduce == "mean" else compile(module.fun, reduce=reduce)
    if module.__name__.endswith(("tokens", "shifted")):  # other rows take other paths
        rows = {name: values[:1] for name, values in rows.items()}
    loss, gradients = program.value_and_grad(**rows)
    assert ("INDEX" in program.source) <= module.__name__.endswith(AS_THE_PROGRAM)
    by_text, others = by_source(program, rows)
    largest = max(1.0, abs(loss), *(np.abs(each).max() for each in gradients.values()))
    assert by_text == pytest.approx(loss, rel=1e-13)
    for name, exact in gradients.items():
        np.testing.assert_allclose(others[name], exact, rtol=0, atol=1e-13 * largest, err_msg=name)


@pytest.mark.slow
def test_jax_runs_the_source_and_derives_its_backward_half_from_its_forward_half(case):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    module, program, rows = case
    if module.__name__.endswith(("tokens", "shifted")):
        pytest.skip("comparisons of numbers decide the path")
    text: dict = {}
    exec(program.source.replace("import numpy as np", "import jax.numpy as np"), text)
    by_text = jax.jit(text["value_and_grad"])(dict(program.parameters), **rows)[1]
    by_jax = jax.grad(lambda parameters: text["value_and_grad"](parameters, **rows)[0])(dict(program.parameters))
    for name, exact in program.value_and_grad(**rows)[1].items():
        np.testing.assert_allclose(by_text[name], exact, rtol=1e-10, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(by_jax[name], exact, rtol=1e-10, atol=1e-12, err_msg=name)


def require_that_it_holds_for_all_rows(program, rows, text):
    """One row need not reach every line: max_pool passes over half of them."""
    for k in range(3):
        require_that_the_text_holds(program, {name: values[k] for name, values in rows.items()}, text)


def test_a_text_with_a_fault_is_noticed(case):
    _, program, rows = case
    text = program.equations()
    faults = [(" − ", " + "), ("ᵀδ", "δ"), ("½", ""), ("² ", " "), ("2(", "("), (" ⋆ ", " ∗ ")]
    wrong = [text.replace(right, false, 1) for right, false in faults if right in text]
    wrong = [each for each in wrong if each.partition("\n\n")[0] != text.partition("\n\n")[0]]
    assert wrong
    for each in wrong[:2]:
        with pytest.raises((AssertionError, MisreadError, ValueError)):
            require_that_it_holds_for_all_rows(program, rows, each)


def test_the_latex_is_balanced_ascii(case):
    _, program, _ = case
    text = program.latex()
    assert text.isascii()
    for row in re.findall(r"^.*&=.*$", text, re.M):
        assert row.count(r"\left") == row.count(r"\right")
        plain = re.sub(r"\\[{}]", "", row)
        assert plain.count("{") == plain.count("}")


def test_the_terms_have_the_numbers_of_the_engine(case):
    _, program, rows = case
    row = {name: values[1] for name, values in rows.items()}
    made = program.derivation
    numbers = made.numbers(row, program.parameters)
    loss, gradients = program.value_and_grad(**{name: values[None] for name, values in row.items()})
    assert numbers[made.found.loss] == pytest.approx(loss, rel=1e-12)
    for adjoint in made.found.gradients:
        for name, (family, before) in made.found.recognition.leaves.arrays.items():
            if family is adjoint.source:
                np.testing.assert_allclose(
                    numbers[adjoint][before].ravel(), np.ravel(gradients[name]), rtol=1e-9, atol=1e-12
                )
