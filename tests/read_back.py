"""What the printed text of a program says when it is read, against the numbers of the engine."""

import re

import numpy as np
import pytest

from autograd.lift.write.style import Unicode
from tests import index_notation, printed_equations
from tests.index_notation import SUPERSCRIPTS, Name
from tests.printed_equations import ABOVE, SUBSCRIPTS

__all__ = ["require_that_layers_hold", "require_that_the_text_holds", "rows_of"]

TOLERANCE = 1e-11  # of the largest entry: some hundred roundings of 1e-16, and sums in another order
ABOVE_IT = str.maketrans("0123456789()", ABOVE)
WEIGHTS = {"theta": "Θ", "prime": "w", "parentheses": "w", "nielsen": "w"}


def rows_of(module, count=3):
    """Return a batch of inputs."""
    rng = np.random.default_rng(0)
    found = {}
    for name, length in module.SHAPES.items():
        width = getattr(module, "ONEHOT", {}).get(name)
        target = getattr(module, "TARGET", "") if name == "t" else ""
        if target == "onehot":
            width = length
        if hasattr(module, "TOKENS"):
            found[name] = rng.integers(0, module.TOKENS, (count, length))
        elif width:
            hot = rng.integers(0, width, (count, length // width))
            found[name] = np.eye(width)[hot].reshape(count, length)
        elif target == "binary":
            found[name] = rng.uniform(0.2, 0.8, (count, length))
        else:
            found[name] = rng.normal(size=(count, length))
    return found


# --- layers that are numbered --------------------------------------------------------------------


def printed_name(name, notation="superscript", taken=()):
    """Return what a reader of the notation's text calls a parameter or an input."""
    stem, digits = re.fullmatch(r"(.*?)_?(\d*)", name).groups()
    if stem not in ("W", "b"):
        return stem + digits.translate(SUBSCRIPTS)
    if digits:
        digits = str(int(digits) + (notation == "nielsen"))
    above = f"({digits})" if notation in ("theta", "epsilon") and digits else digits
    letter = WEIGHTS.get(notation, "W")
    return (letter if stem == "W" and letter not in taken else stem) + above.translate(ABOVE_IT)


def require_that_layers_hold(program, row, notation="superscript", text=None):
    """Require of the text of a chain of layers, in any notation, the loss and the gradient of the engine."""
    text = text or program.equations(notation)
    arrays = {each.name: program.flat[each.positions].reshape(each.shape) for each in program.derived.parameters.all}
    known = {printed_name(name): np.asarray(values) for name, values in row.items()}
    folded = "holds the biases" in text
    for name, array in arrays.items():
        known[printed_name(name, notation, arrays)] = array
        if folded and name.startswith("W"):
            known[printed_name(name, notation, arrays)] = np.column_stack([arrays["b" + name[1:]], array])
            known["Θ\u0304" + printed_name(name, notation, arrays)[1:]] = array
    reader = printed_equations.Reader(printed_equations.Page.of(text), known)
    loss, gradients = program.value_and_grad(**row)
    cost = "J" if notation in ("theta", "epsilon") else "L" if notation == "cs231n" else "C"
    by = "d" if notation == "cs231n" else f"∂{cost}/∂"
    assert reader.values[cost].array.item() == pytest.approx(loss, rel=1e-12, abs=1e-13)
    for each in program.derived.parameters.all:
        exact = np.asarray(gradients[each.name])
        if folded and each.name.startswith("b"):
            own = reader.values[by + printed_name("W" + each.name[1:], notation)].array[:, 0]
        else:
            own = reader.values[by + printed_name(each.name, notation, arrays)].array
            own = own[:, 1:] if folded and each.name.startswith("W") else own.reshape(exact.shape)
        scale = max(np.abs(exact).max(), 1e-3)
        np.testing.assert_allclose(own, exact, rtol=0, atol=TOLERANCE * scale, err_msg=each.name)


# --- the names of the code ------------------------------------------------------------------------


def read(program, row, text=None):
    """Return what the printed text computes."""
    page = program.derivation.page
    found, naming, style = page.indexing.found.recognition, page.naming, Unicode()
    names = {}
    for family in naming.names:
        roles = page.indexing.roles(family)
        has_layer = family.stacked or family in page.indexing.layers
        name = Name(roles, None, [family.dimension_first(d) for d in range(len(roles))], has_layer)
        names[style.text(naming.symbol(family, "", ()))] = name
        if family.kind == "input":
            name.array = np.asarray(row[family.name]).reshape(family.shape)
        elif family.numbers is not None:
            name.array = family.numbers
        elif family.kind == "parameter":
            name.array = np.zeros(family.shape)
            for each, (own, before) in found.leaves.arrays.items():
                if own is family:
                    name.array[before] = np.reshape(program.parameters[each], family.shape[len(before) :])
    tables = {}
    for name, index, first in page.typesetter.tables.values():
        tables[name] = (
            np.where(index.table < 0, first - 1, index.table + first),
            [page.indexing.first(a) for a in index.axes],
        )
    functions = {each: op for each, op in page.typesetter.seen.items() if hasattr(op, "forward")}
    count = page.typesetter.seen.get("onehot", page.typesetter.seen.get("onehot by rows", 0))
    return index_notation.Reader(text or program.equations(), names, tables, functions, count), page


def gradient_of(reader, base):
    """Return the derivative by a parameter; that by W¹ may be among those by Wˡ."""
    found = reader.names.get(f"∂{reader.loss}/∂{base}")
    if found is None:
        whole = reader.names[f"∂{reader.loss}/∂{base[:-1]}"]
        found = Name(members={(): whole.members[(int(SUPERSCRIPTS[base[-1]]),)]})
    return found


def require_that_the_text_holds(program, row, text=None):
    """Require of the text in the names of the code the loss and the gradient of the engine."""
    reader, page = read(program, row, text)
    loss, gradients = program.value_and_grad(**{name: values[None] for name, values in row.items()})
    assert reader.names[reader.loss].members[()].array.item() == pytest.approx(loss, rel=1e-10, abs=1e-12)
    found, style = page.indexing.found, Unicode()
    largest = max((np.abs(each).max() for each in gradients.values()), default=0.0)
    largest = max(largest, 1e-3)  # a gradient may be 0 but for the rounding of terms that cancel
    for each, (family, before) in found.recognition.leaves.arrays.items():
        name = gradient_of(reader, style.text(page.naming.symbol(family, "", ())))
        exact = np.reshape(gradients[each], family.shape[len(before) :])
        roles = page.indexing.roles(family)
        for index, value in name.members.items():
            dims = [d for d, role in enumerate(roles) if role]
            dims += [d for d, role in enumerate(roles) if not role][: len(index) - len(dims)]
            place = [slice(None)] * len(roles)
            for d, k in zip(sorted(dims), index, strict=True):
                place[d] = k - family.dimension_first(d)
            if before and place[0] != before[0]:
                continue
            part = exact[tuple(place[len(before) :])]
            own = value.array.reshape(part.shape) if value.array.size == part.size else value.array
            own = np.broadcast_to(own.ravel(), part.shape) if own.size == 1 < part.size else own
            np.testing.assert_allclose(own, part, rtol=0, atol=1e-10 * largest, err_msg=each)
            exact = exact.copy()
            exact[tuple(place[len(before) :])] = 0.0
        assert not exact.any(), f"the text says nothing of a part of {each}"
