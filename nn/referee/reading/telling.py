"""From the changes that mend a function to what is said about them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...arguments import FloatArray
from ...loss.loss_table import name_of
from ...model.activations import ACTIVATIONS
from ..mistakes import raised
from .correction import Alternative, Correction
from .edits import Edit, Known, Moved, is_numeric, same_values
from .formula import Formulas
from .probes import Key, Probe
from .proof import corrected_lines, holds, replayed, verdicts_when_pasted
from .quantities import Naming, Quantity
from .repair import Mend, Repair
from .search import penalty
from .session import Session
from .sites import Site

__all__ = ["corrections", "equation_of"]

LONG = 90  # letters of a formula, beyond which nobody would read it
FORWARD = {"a", "z", "p", "log p"}
EQUAL = 1.5  # alternatives that cost no more than that are as likely, once they are proved
NAMED = 2  # of them
SLOPES = {
    "sigmoid": "σ(z)(1 − σ(z))",
    "tanh": "1 − σ(z)²",
    "relu": "1 where z > 0, else 0",
    "leaky_relu": "1 where z > 0, else 0.01",
}
WHAT = {
    "axis": "The sum needs another axis",
    "comparison": "The comparison is another one",
    "condition": "The condition leaves something out",
    "exchanged": "The two sides are exchanged",
    "factor": "A factor is missing",
    "function": "Another function belongs here",
    "index": "The index is off",
    "left out": "Something is too much",
    "operator": "The operator is another one",
    "option": "The option is another one",
    "order of a list": "The list is to be gone through in the other order",
    "order": "This statement changes what another line still needs as it was",
    "power": "The square is missing",
    "slope": "The slope belongs here, not the function itself",
    "sign": "The sign is reversed",
    "statement": "Another sign belongs before the =",
    "sum": "The sum over the examples is missing",
    "term": "A term is missing",
    "transposed": "It is to be transposed",
}


def corrections(repair: Repair, probes: Sequence[Probe]) -> list[Correction]:
    """Return what is said about each change, with the networks on which it was proved."""
    found: list[Correction] = []
    so_far: list[Edit] = []
    for mend in repair.mends:
        so_far += mend.edits
        proved, pasted = _proof(repair, so_far, mend.mended, probes)
        for k, edit in enumerate(mend.edits):
            told = mend.beside(k)
            found.append(_correction(told, edit, proved, pasted=pasted, together=k > 0))
        if pasted:
            k = -len(mend.edits)  # of two changes, the others that may be the first one
            found[k] = replace(found[k], alternatives=_alternatives(repair, mend, probes, proved))
    return found


def _proof(
    repair: Repair, edits: Sequence[Edit], mended: frozenset[Key], probes: Sequence[Probe]
) -> tuple[tuple[str, ...], bool]:
    """Return the networks on which the arrays are right with the edits, and whether the text itself ran."""
    session = repair.mends[0].session
    first = session.watch if not session.watch.changes else repair.mends[0].session.watch
    pasted = verdicts_when_pasted(first, edits, probes)
    if any(verdicts is not None for verdicts in pasted):
        names = tuple(p.name for p, verdicts in zip(probes, pasted, strict=True) if holds(verdicts, mended))
        if names:
            return names, True
    verdicts = [replayed(session, edits, probe) for probe in probes]
    return tuple(p.name for p, v in zip(probes, verdicts, strict=True) if holds(v, mended)), False


def _correction(mend: Mend, edit: Edit, proved: tuple[str, ...], *, pasted: bool, together: bool) -> Correction:
    session, site = mend.session, edit.site
    source = session.watch.source(site.file)
    line = source.lines[site.line - 1].rstrip("\n")
    place = edit.statement if isinstance(edit, Moved) else site.span
    end_line = source.lines[place[2] - 1].rstrip("\n")
    sentences, stands, belongs, quantity = _told(mend, edit)
    written = "" if isinstance(edit, Known) else edit.text
    return Correction(
        file=site.file,
        line=place[0],
        column=len(line.encode()[: place[1]].decode()),
        end_line=place[2],
        end_column=len(end_line.encode()[: place[3]].decode()),
        function=site.function,
        source=line,
        expression=line.strip() if isinstance(edit, Moved) else site.text,
        stands=stands,
        belongs=belongs,
        sentences=tuple(sentences),
        equation=equation_of(quantity, session.probe) if quantity is not None else "",
        replacement=written,
        corrected=_corrected(session, edit),
        mends=tuple(sorted(mend.mended)) or tuple(("a", layer) for layer in sorted(mend.forward)),
        proved_on=proved,
        pasted=pasted,
        together=together,
    )


def _corrected(session: Session, edit: Edit) -> str:
    """Return the line with a correction in it; nothing if there is none, or if a statement is to be moved."""
    if isinstance(edit, Known) or (isinstance(edit, Moved) and edit.kind == "order"):
        return ""
    lines = corrected_lines(session.watch, edit.site.file, [edit])
    if lines is None:
        return ""
    line = lines[(edit.statement[0] if isinstance(edit, Moved) else edit.site.line) - 1].rstrip("\n")
    return "" if isinstance(edit, Moved) and edit.kind == "left out" else line


def _alternatives(
    repair: Repair, mend: Mend, probes: Sequence[Probe], proved: Sequence[str]
) -> tuple[Alternative, ...]:
    """Return the written changes at other lines that do the same wherever the one told was proved, likeliest first."""
    session, edit = mend.session, mend.edits[0]
    if any(isinstance(each, Known) for each in mend.edits) or edit.kind == "order" or not proved:
        return ()
    first = session.watch if not session.watch.changes else repair.mends[0].session.watch
    rest = [other for each in repair.mends for other in each.edits if other is not edit]
    where = [probe for probe in probes if probe.name in proved]
    taken = {other.site.line for other in (edit, *rest)}
    most = edit.cost + penalty(session, edit) + EQUAL
    found: list[Alternative] = []
    for other in sorted(mend.alternatives, key=lambda other: other.cost + penalty(session, other)):
        if len(found) == NAMED or other.cost + penalty(session, other) > most:
            break
        if isinstance(other, (Known, Moved)) or other.site.line in taken or not _keeps(session, other):
            continue
        taken.add(other.site.line)
        verdicts = verdicts_when_pasted(first, [*rest, other], where)
        if all(v is not None and holds(v, frozenset(v) - repair.left) for v in verdicts):
            found.append(Alternative(other.site.line, other.site.text, other.text))
    return tuple(found)


def _keeps(session: Session, edit: Edit) -> bool:
    """Return whether what is right of a forward pass is still computed with a change."""
    right = {(q.family, q.layer): q.array for q in session.index.quantities if q.right and q.family in FORWARD}
    return session.computed(right, edit) >= session.computed(right)


def _told(mend: Mend, edit: Edit) -> tuple[list[str], str, str, Quantity | None]:
    """Return sentences, what stands at a place, what belongs there, and the quantity that this is."""
    if isinstance(edit, Moved):
        return [_of_statement(edit)], "", "", None
    session, target = mend.session, _told_about(edit.site)
    formulas = Formulas(session, mend.visits, mend.order)
    sentences: list[str] = []
    first: tuple[str, str, Quantity | None] | None = None
    seen: set[tuple[str, str]] = set()
    for visit, (old, new) in enumerate(
        zip(mend.visits.get(target.number, []), mend.after.get(target.number, []), strict=False)
    ):
        if not is_numeric(old) or not is_numeric(new) or same_values(old, new):
            continue
        naming = session.index.of(new) if np.asarray(new).dtype.kind == "f" else None
        quantity = naming.quantity if naming else _meant(edit, visit)
        belongs = naming.text if naming else (edit.text if isinstance(edit, Known) and edit.kind == "known" else "")
        stands = formulas.of(target, visit).text
        if len(stands) > LONG:
            stands = f"`{target.text}`"
        difference = _difference(old, new, session)
        key = _without_layers(f"{stands}|{belongs}"), _without_layers(difference)
        if key in seen:
            continue
        seen.add(key)
        if len(seen) > 2:
            break
        sentence = _sentence(target, edit, stands, belongs, difference)
        if sentence:
            sentences.append(sentence)
        if first is None:
            first = stands.strip("`") if stands.strip("`") != target.text else "", belongs, quantity
    if edit.kind == "slope" and isinstance(edit.site.node, ast.BinOp) and "** 2" in edit.text:
        sentences.append("a(1 − a) is the slope of the sigmoid; that of tanh is 1 − a².")
    if not sentences:
        sentences = [_of_count(edit, mend) or _of_words(edit)]
    stands, belongs, quantity = first or ("", "", None)
    return sentences, stands, belongs, quantity


def _of_count(edit: Edit, mend: Mend) -> str:
    """Return what is said where a number is to be that of the examples, or made of it; nothing elsewhere."""
    N, new = mend.session.probe.N, next(iter(mend.after.get(edit.site.number, [])), None)
    if edit.kind == "count" and edit.text != "1":
        n = ", n outputs" if "n" in edit.text else ""
        return f"{edit.text} belongs here, not `{edit.site.text}`: there are N examples{n}."
    if edit.kind == "replaced" and isinstance(new, (int, float)) and new == N > 1:
        return f"`{edit.text}`, the number of examples, belongs here, not `{edit.site.text}`."
    return ""


def _of_words(edit: Edit) -> str:
    """Return what is said of a change whose values have no names."""
    node, outer = edit.site.node, edit.site.parent
    if isinstance(node, ast.Constant) and edit.kind == "constant":
        keywords = outer.node.keywords if outer is not None and isinstance(outer.node, ast.Call) else []
        is_axis = any(keyword.arg == "axis" and keyword.value is node for keyword in keywords)
        front = "This is the wrong axis: " if is_axis else ""
        return f"{front}`{edit.text}` belongs here, not `{edit.site.text}`."
    return f"{WHAT.get(edit.kind, 'Something else belongs here')}: `{edit.text}` for `{edit.site.text}`."


def _told_about(site: Site) -> Site:
    """Return the site whose values are told: of a function, its call."""
    return site.parent if site.role == "callee" and site.parent is not None else site


def _meant(edit: Edit, visit: int) -> Quantity | None:
    if not isinstance(edit, Known) or not edit.quantities:
        return None
    return edit.quantities[min(visit, len(edit.quantities) - 1)]


def _without_layers(text: str) -> str:
    return "".join(letter for letter in text if letter not in "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _of_statement(edit: Moved) -> str:
    what = WHAT.get(edit.kind, "This statement is another one")
    if edit.kind == "left out":
        return "This statement does not belong here: without it the arrays are right."
    if edit.kind == "statement":
        if isinstance(edit.site.statement, ast.AugAssign):
            return f"The sign is reversed: `{edit.text}` belongs here."
        held = "only the last round of the loop" if edit.site.repeated else "nothing of what stood there before"
        return f"`{edit.text}` belongs here: the plain = keeps {held}."
    return f"{what}. It belongs {edit.text}."


def _sentence(target: Site, edit: Edit, stands: str, belongs: str, difference: str) -> str:
    code, has_name = f"`{target.text}`", stands.strip("`") != target.text
    if belongs and has_name and stands != belongs:
        said = f"{code} is {stands}; {belongs} belongs here."
    elif belongs:
        said = f"{code} should be {belongs}."
    elif has_name and not isinstance(edit, Known):
        said = f"{code} is {stands}; {_missing(edit) or f'`{edit.text}` belongs here'}."
    else:
        said = ""
    if not difference:
        return said
    if said:
        return f"{said} {difference[0].upper()}{difference[1:]}."
    return f"{code}: {difference}."


MISSING = {
    " * ": "the factor `{}` is missing",
    " / ": "the division by `{}` is missing",
    " + ": "the term `{}` is missing",
}


def _missing(edit: Edit) -> str:
    """Return what a change puts behind an expression that stays; nothing for other changes."""
    rest = next(
        (
            edit.text.removeprefix(text)
            for text in (edit.site.text, f"({edit.site.text})")
            if edit.text.startswith(text)
        ),
        "",
    )
    return next((said.format(rest[3:]) for sign, said in MISSING.items() if rest.startswith(sign)), "")


# --- how the right array comes from what stands there


def _difference(old: Any, new: Any, session: Session) -> str:
    a, b = np.asarray(old, dtype=float), np.asarray(new, dtype=float)
    N, columns = session.probe.N, session.probe.calling.columns
    if a.shape != b.shape:
        return _difference_of_shapes(a, b, N, columns=columns)
    if a.ndim == 2 and a.shape[0] == a.shape[1] and np.allclose(a.T, b):
        return "it is transposed"
    with np.errstate(all="ignore"):
        ratio, inverse = b / a, a / b
    scale = ratio[a != 0]  # entries that are 0, such as those of a onehot target, stay so
    if scale.size and not b[a == 0].any() and np.allclose(scale, scale.flat[0], rtol=1e-9, atol=0):
        return _difference_of_scale(float(scale.flat[0]), N)
    for quotient, said in ((ratio, "the factor {} is missing"), (inverse, "the factor {} is there once too often")):
        naming = session.index.of(quotient) if np.all(np.isfinite(quotient)) else None
        if naming is not None and _is_factor(naming):
            return said.format(naming.text)
    naming = session.index.of(b - a)
    if naming is not None and naming.quantity.family in ("decay", "W", "b", "Θ"):
        term = naming.text.lstrip("−")
        return f"the term {term} is missing" if naming.factor > 0 else f"the term {term} is too much"
    if a.size > 1 and np.allclose(a, a.flat[0]) and not np.allclose(b, b.flat[0]) and np.isclose(a.flat[0], b.sum()):
        return "every entry is the sum over all of them"
    return _stepped(a, b, session)


def _is_factor(naming: Naming) -> bool:
    families = ("slope", "a", "1-a", "mask", "back", "δ", "slope²", "1-a²", "a(1-a)")
    return naming.quantity.family in families and abs(naming.factor - 1) < 1e-9


def _difference_of_shapes(a: FloatArray, b: FloatArray, N: int, *, columns: bool) -> str:
    examples = 1 if columns else 0
    if a.ndim == 2 and b.ndim == 1 and N > 1 and a.shape[examples] == N:
        return "the sum over the examples is missing"
    if a.shape == b.shape[::-1] and a.ndim == 2 and np.allclose(a.T, b):
        return "it is transposed"
    if a.ndim == 0 and N > 1 and sorted(b.shape) == [1, N]:
        return "one number stands where each example has its own"
    if a.ndim < b.ndim == 2:
        return f"a {'vector' if a.ndim else 'number'} stands where a matrix belongs"
    if a.ndim == 0 and b.ndim == 1:
        return "one number stands where each neuron has its own"
    return f"its shape is {a.shape} where {b.shape} belongs"


def _difference_of_scale(factor: float, N: int) -> str:
    told = (
        (-1.0, "the sign is reversed"),
        (float(N), "it is N times too small: divided by the N examples once too often"),
        (1.0 / N, "it is N times too large: the division by the N examples is missing"),
        (2.0, "the factor 2 is missing"),
        (0.5, "a factor 2 is too much"),
    )
    for number, said in told:
        if abs(factor - number) < 1e-9 * abs(number):
            return said
    return ""


def _stepped(a: FloatArray, b: FloatArray, session: Session) -> str:
    """Return whether weights stand there after their step."""
    r = session.probe.reference
    for l in range(r.L):
        W, step = r.W[l], r.dW[l]
        for have, want in ((a, b), (a.T, b.T)):
            if want.shape == W.shape and np.allclose(want, W):
                change = have - W
                k = int(np.abs(step).argmax())
                rate = float(change.flat[k] / step.flat[k]) if step.flat[k] else 0.0
                if abs(rate) > 1e-12 and np.allclose(change, rate * step, rtol=1e-6, atol=1e-10):
                    name = f"W{raised(l + 1)}"
                    sign = "−" if rate < 0 else "+"
                    return f"{name} was changed by its step already, {name} {sign} {abs(rate):.4g}·∂C/∂{name}"
    return ""


# --- the equations


def equation_of(q: Quantity, probe: Probe) -> str:
    """Return the equation that gives a quantity, or nothing where there is none.

    Source: Markus Reynoso, "Backpropagation", equations 3 and 4; the post "Neural Networks - Backpropagation", ML-15.
    """
    r, l = probe.reference, q.layer
    if not r.L:  # a network without layers
        return ""
    s, up, before = raised(l), raised(l + 1), raised(l - 1)
    mean = "(1/N) Σ " if r.N > 1 else ""
    identity = r.model.activations[r.L - 1] == "identity"
    gradient = _gradient(probe)
    match q.family:
        case "δ" | "e" | "g" if l == r.L:
            if identity:
                return f"δ{s} = {gradient}"
            if gradient == "∇ₐC" and np.allclose(r.delta[-1], r.a[-1] - r.T, rtol=1e-9, atol=1e-12):
                return f"δ{s} = ∇ₐC ⊙ σ′(z{s}) = a{s} − t"
            return f"δ{s} = {f'({gradient})' if ' − ' in gradient else gradient} ⊙ σ′(z{s})"
        case "δ" | "back" if l >= 1:
            return f"δ{s} = (W{up})ᵀδ{up} ⊙ σ′(z{s})"
        case "dW" | "data" | "dΘ":
            return f"∂C/∂W{s} = {mean}δ{s}(a{before})ᵀ" + (f" + l2·W{s}" if r.l2 else "")
        case "db":
            return f"∂C/∂b{s} = {mean}δ{s}" + (f" + l2·b{s}" if r.l2_of_b else "")
        case "slope" | "1-a" | "1-a²" | "a(1-a)" | "mask":
            activation = r.model.layers[l - 1].activation
            formula = SLOPES.get(activation.name, "") if activation == ACTIVATIONS.get(activation.name) else ""
            return f"σ′(z) = {formula}" if formula else ""
        case "z" | "Wa":
            return f"z{s} = W{s}a{before} + b{s}"
        case "a" if l >= 1:
            return f"a{s} = σ(z{s})"
        case "p":
            return "softmax(z)ⱼ = e^zⱼ / Σₖ e^zₖ, a sum of its own for each example"
        case "∂p":
            return "∂softmaxⱼ/∂zₖ = softmaxⱼ · ([j = k] − softmaxₖ)"
        case "decay":
            return f"∂C/∂W{s} = {mean}δ{s}(a{before})ᵀ + l2·W{s}"
    return ""


def _gradient(probe: Probe) -> str:
    """Return ∇ₐC as the loss has it."""
    r = probe.reference
    top = raised(r.L)
    if np.allclose(r.gradient, r.a[-1] - r.T, rtol=1e-12, atol=0):
        return f"a{top} − t"
    if name_of(r.loss) == "cross_entropy" and r.model.activations[-1] == "identity":
        return f"softmax(z{top}) − t"
    return "∇ₐC"
