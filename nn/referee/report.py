"""What the referee found, array by array, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd.notebook import folded, preformatted, table

from ..arguments import FloatArray
from .mistakes import Mistake, raised
from .reading.correction import Correction, Reading, array_name
from .reading.words import WIDTH, Paint, Write, plain, told, where, wrapped
from .symbols import AS_IT_IS, Symbols

__all__ = ["Finding", "Report"]

SHOWN = 3  # worst entries of an array
STYLES = {"right": "green", "wrong": "red", "follows": "faint"}


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The verdict on one array of one layer.

    Attributes:
        layer: The layer, counted from 1; 0 in a network that is no MLP.
        array: "δ", "W" or "b", the latter two for ∂C/∂W and ∂C/∂b; or the name of any parameter.
        verdict: "right"; "wrong"; "follows" if it is wrong but right given the δ handed in for this layer or the one
            above; "undecidable" if the right array is all 0 or rounding alone may explain the difference.
        explanations: The diagnoses, each a tuple of the mistakes that together produce exactly these numbers. If there
            are several, nothing in the numbers tells them apart. Empty if no hypothesis explains the whole array.
        remark: A sentence on what else is known.
        blamed: "δ" if the mistakes are in a δ that was not handed in but follows from these numbers.
        yours: The array that was handed in.
        right: The array of the engine, in the same layout.
    """

    layer: int
    array: str
    verdict: str
    explanations: tuple[tuple[Mistake, ...], ...] = ()
    remark: str = ""
    yours: FloatArray = field(default_factory=lambda: np.zeros(0), repr=False)
    right: FloatArray = field(default_factory=lambda: np.zeros(0), repr=False)
    blamed: str = ""

    @property
    def name(self) -> str:
        """What the array is called: "δ¹", "∂C/∂W¹", "∂C/∂b¹"; "∂C/∂gamma" in a network that is no MLP."""
        return array_name(self.array, self.layer)

    @property
    def kinds(self) -> set[str]:
        """The kinds of all mistakes in all explanations."""
        return {mistake.kind for explanation in self.explanations for mistake in explanation}

    @property
    def error(self) -> float:
        """The largest difference, as a fraction of the largest entry of the right array; infinite for a wrong shape."""
        if self.yours.shape != self.right.shape:
            return np.inf
        size = float(np.max(np.abs(self.right)))
        difference = float(np.max(np.abs(self.yours - self.right)))
        return difference / size if size else (np.inf if difference else 0.0)

    def worst(self, count: int = SHOWN) -> list[tuple[tuple[int, ...], float, float]]:
        """Return index, your number and the right number of the entries that differ most, the worst first."""
        if self.yours.shape != self.right.shape:
            return []
        difference = np.abs(self.yours - self.right)
        order = np.argsort(-difference, axis=None, kind="stable")[:count]
        places = [tuple(int(k) for k in np.unravel_index(at, difference.shape)) for at in order]
        least = 1e-10 * np.max(np.abs(self.right))
        return [
            (place, float(self.yours[place]), float(self.right[place])) for place in places if difference[place] > least
        ]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """What `nn.check_backprop` found; `print(report)` tells it.

    Attributes:
        findings: One for each array, the output layer first; in a layer δ, then W, then b.
        subject: What was checked, as a phrase.
        delta_scale: "without 1/N", "with 1/N", or "" if δ was not handed in or there is one example.
        headline: A sentence on what is wrong with all of it at once, or nothing.
        examples: The number of examples, N.
        l2: The coefficient of the penalty.
        l2_biases: Whether the penalty has the biases in it too.
        reading: What reading the code gave, if an array is wrong.
        understood: A sentence on what was taken in another form than the documented one, or nothing.
        symbols: The letters in which it is told; findings and corrections have those of "superscript".
    """

    findings: tuple[Finding, ...]
    subject: str
    delta_scale: str = ""
    headline: str = ""
    examples: int = 1
    l2: float = 0.0
    l2_biases: bool = False
    reading: Reading = field(default_factory=Reading)
    understood: str = ""
    symbols: Symbols = AS_IT_IS

    @property
    def ok(self) -> bool:
        """Whether every array is right."""
        return all(finding.verdict == "right" for finding in self.findings)

    @property
    def corrections(self) -> tuple[Correction, ...]:
        """The mistakes found in the code, each with its line and what belongs there."""
        return self.reading.corrections

    def of(self, array: str, layer: int = 0) -> Finding:
        """Return the finding on "δ", "W" or "b" of a layer, counted from 1, or on a parameter of no layer.

        Raises:
            KeyError: If there is none.
        """
        for finding in self.findings:
            if finding.array == array and finding.layer == layer:
                return finding
        raise KeyError(f"there is no finding on {array!r} of layer {layer}")

    def equation(self, array: str, layer: int) -> str:
        """Return the equation that gives "δ", "W" or "b" of a layer, counted from 1; none for other parameters.

        Source: Markus Reynoso, "Backpropagation", equations 3 and 4 for δ; the post "Neural Networks -
        Backpropagation", ML-15, for the mean over a batch and the penalty.
        """
        if not layer:
            return ""
        n, top = raised(layer), max(finding.layer for finding in self.findings)
        mean = "(1/N) Σ " if self.examples > 1 else ""
        if array == "W":
            penalty = f" + l2 · W{n}" if self.l2 else ""
            return f"∂C/∂W{n} = {mean}δ{n} (a{raised(layer - 1)})ᵀ{penalty}"
        if array == "b":
            return f"∂C/∂b{n} = {mean}δ{n}" + (f" + l2 · b{n}" if self.l2 and self.l2_biases else "")
        if layer == top:
            return f"δ{n} = ∇ₐC ⊙ σ′(z{n})"
        up = raised(layer + 1)
        return f"δ{n} = ((W{up})ᵀ δ{up}) ⊙ σ′(z{n})"

    def assert_ok(self) -> None:
        """Raise an AssertionError that tells the report, the first wrong line in front, unless every array is right."""
        if not self.ok:
            first = "".join(f"{where(c)}: {self.symbols(c.sentences[0])}" for c in self.corrections[:1])
            raise AssertionError(f"{first}\n\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as numbers, text and lists, for JSON and for pages.

        The numbers of arrays are nested lists; NaN and infinities are the text that Python prints for them. What is
        said has the letters of the report; `array` and the names of fields do not change with them.
        """
        found = {
            "subject": self.subject,
            "ok": self.ok,
            "delta_scale": self.delta_scale,
            "headline": self.headline.strip(),
            "examples": self.examples,
            "l2": self.l2,
            "l2_biases": self.l2_biases,
            "understood": self.understood,
            "arrays": [self._array(finding) for finding in self.findings],
            **self.reading.to_dict(),
            "notation": self.symbols.notation.name,
        }
        return _told_in(self.symbols, found)

    def _array(self, finding: Finding) -> dict[str, Any]:
        return {
            "array": finding.array,
            "layer": finding.layer,
            "name": finding.name,
            "verdict": finding.verdict,
            "equation": self.equation(finding.array, finding.layer),
            "explanations": [[mistake._asdict() for mistake in found] for found in finding.explanations],
            "remark": finding.remark,
            "error": _jsonable(finding.error),
            "yours": _jsonable(finding.yours.tolist()),
            "right": _jsonable(finding.right.tolist()),
        }

    def to_text(self, paint: Paint = plain) -> str:
        """Return the report as text, in colours if you like.

        Args:
            paint: Takes a text and one of the styles "bold", "red", "green" and "faint", and returns it in that style.
        """
        return "\n".join(_lines(self, paint))

    def __str__(self) -> str:
        return self.to_text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the verdicts as a table and the whole text below, for a notebook."""
        arrays = [array for array in ("δ", "W", "b") if any(finding.array == array for finding in self.findings)]
        verdicts = {(finding.layer, finding.array): finding.verdict for finding in self.findings}
        layers = sorted({finding.layer for finding in self.findings}, reverse=True)
        rows = [(str(layer), *(verdicts.get((layer, array), "") for array in arrays)) for layer in layers]
        head = ("layer", *("δ" if array == "δ" else f"∂C/∂{array}" for array in arrays))
        verdicts_told = table(tuple(map(self.symbols, head)), rows)
        return verdicts_told + folded("What was found", preformatted(str(self)), is_open=not self.ok)


SAID = ("headline", "note", "name", "equation", "remark", "text", "stands", "belongs", "sentences")
"""The entries of `to_dict` that are put into the letters of the report."""


def _told_in(write: Write, found: dict[str, Any]) -> dict[str, Any]:
    """Return a dictionary with what is said in it in other letters."""

    def put(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return _told_in(write, value)
        if isinstance(value, (list, tuple)) and value and not isinstance(value[0], (int, float)):
            return [put(name, item) for item in value]
        return write(value) if name in SAID and isinstance(value, str) else value

    return {name: put(name, value) for name, value in found.items()}


def _jsonable(number: Any) -> Any:
    """Return nested lists of floats with NaN and infinities as text."""
    if isinstance(number, list):
        return [_jsonable(item) for item in number]
    return number if isinstance(number, int) or np.isfinite(number) else str(number)


def _lines(report: Report, paint: Paint) -> Iterator[str]:
    yield from _fitted(filter(None, (report.subject, report.understood)))
    yield from _fitted(_judged(report, paint), report.symbols)
    if report.corrections:
        if report.headline:
            yield from wrapped(report.symbols(report.headline))
        yield from told(report.reading, len(report.findings), paint, report.symbols)
    if not report.ok and not report.reading.explains_all:
        if report.corrections:
            yield ""
        yield from _fitted(_what_is_wrong(report), report.symbols)
        if report.reading.note and not report.corrections:
            yield ""
            yield from wrapped(report.symbols(report.reading.note))
    if report.reading.fault:
        yield ""
        yield from wrapped(f"Reading met an error of the referee's own; please report it: {report.reading.fault}")


def _fitted(lines: Iterable[str], write: Write = str) -> Iterator[str]:
    """Yield lines of 80 columns at most."""
    for line in map(write, lines):
        text = line.lstrip()
        if len(line) > WIDTH:
            yield from wrapped(text, len(line) - len(text), hanging=2 * text.startswith("– "))
        else:
            yield line


def _judged(report: Report, paint: Paint) -> Iterator[str]:
    """Yield the verdicts."""
    yield ""
    yield from _table(report, paint)
    if report.delta_scale:
        yield ""
        yield f"Your δ is {report.delta_scale}" + (
            ": it is that of each example by itself, as the equations write it."
            if report.delta_scale == "without 1/N"
            else ": it is that of the mean over the batch."
        )
    yield ""
    if report.ok:
        worst = max(finding.error for finding in report.findings)
        yield (
            f"All {len(report.findings)} arrays are right: no entry differs from the engine's by more than "
            f"{worst:.1e} of the largest one."
        )


def _what_is_wrong(report: Report) -> Iterator[str]:
    wrong = [finding for finding in report.findings if finding.verdict == "wrong"]
    if report.corrections:
        wrong = [finding for finding in wrong if (finding.array, finding.layer) in report.reading.left]
    elif report.headline:
        yield report.headline
    if wrong and not report.corrections:
        yield f"Start with {wrong[0].name}." if len(wrong) > 1 else f"Only {wrong[0].name} is wrong by itself."
    in_full = wrong[:1] if report.headline else wrong
    told_already: dict[str, Finding] = {}
    for finding in report.findings:
        if finding.verdict == "undecidable" or any(finding is other for other in in_full):
            yield ""
            same = told_already.get(_in_general(finding))
            yield from _about(finding, same, report.equation(finding.blamed or finding.array, finding.layer))
            told_already.setdefault(_in_general(finding), finding)
    if len(in_full) < len(wrong):
        yield ""
        yield f"The same holds for {', '.join(finding.name for finding in wrong[1:])}."
    follows = [finding for finding in report.findings if finding.verdict == "follows"]
    if follows and not report.corrections:
        yield ""
        yield from _follows(follows)


def _painted(verdict: str, paint: Paint) -> str:
    return paint(verdict, STYLES[verdict]) if verdict in STYLES else verdict


def _table(report: Report, paint: Paint) -> Iterator[str]:
    if not any(finding.layer for finding in report.findings):
        width = max(len(finding.name) for finding in report.findings)
        for finding in report.findings:
            yield f"  {finding.name:<{width}}  {paint(finding.verdict, STYLES.get(finding.verdict, ''))}"
        return
    arrays = [array for array in ("δ", "W", "b") if any(finding.array == array for finding in report.findings)]
    titles = {"δ": report.symbols("δ"), "W": report.symbols("∂C/∂W"), "b": report.symbols("∂C/∂b")}
    yield "  layer  " + "".join(f"{titles[array]:<14}" for array in arrays).rstrip()
    for layer in sorted({finding.layer for finding in report.findings}, reverse=True):
        row = {finding.array: finding.verdict for finding in report.findings if finding.layer == layer}
        told = [row.get(array, "") for array in arrays]
        cells = [_painted(verdict, paint) + " " * (14 - len(verdict)) for verdict in told]
        yield f"  {layer + report.symbols.notation.weights_from - 1:>5}  " + "".join(cells).rstrip()


def _about(finding: Finding, same: Finding | None, equation: str) -> Iterator[str]:
    if finding.verdict == "undecidable":
        yield f"{finding.name} cannot be judged."
        yield f"    {finding.remark}"
        return
    if same is not None:
        yield f"{finding.name} is wrong in the same way{'' if same.layer == finding.layer else f' as {same.name}'}."
    else:
        yield f"{finding.name} is wrong."
        yield from _explained(finding)
        yield f"    The equation is {equation}."
    yield from _entries(finding)


def _in_general(finding: Finding) -> str:
    """Return what is said about a finding, without the numbers of layers: the same of findings that are alike."""
    said = "|".join(mistake.text for explanation in finding.explanations for mistake in explanation)
    if not said:
        return f"{finding.name} {finding.remark}"
    general = "".join(letter for letter in said if letter not in "⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"{finding.remark if finding.blamed else finding.array}|{finding.remark}|{general}"


def _explained(finding: Finding) -> Iterator[str]:
    if finding.remark:
        yield f"    {finding.remark}"
    if len(finding.explanations) == 1:
        for mistake in finding.explanations[0]:
            yield f"    {mistake.text}"
    elif finding.explanations:
        yield "    One of these; they give the same numbers here, so the numbers cannot tell which:"
        for explanation in finding.explanations:
            yield "    – " + " And: ".join(mistake.text for mistake in explanation)


def _follows(findings: list[Finding]) -> Iterator[str]:
    """Tell in few words what is wrong only because of what it was computed from."""
    sources: dict[str, list[str]] = {}
    for finding in findings:
        sources.setdefault(finding.remark, []).append(finding.name)
    yield "No mistake of their own, but wrong because of what they were computed from:"
    for remark, names in sources.items():
        yield f"    {', '.join(names)}: {remark}"


def _entries(finding: Finding) -> Iterator[str]:
    if finding.yours.shape != finding.right.shape:
        yield f"    Yours has shape {finding.yours.shape}; {finding.right.shape} is right."
        return
    worst = finding.worst()
    if not worst:
        return
    places = [f"[{', '.join(map(str, place))}]" for place, _, _ in worst]
    width = max(map(len, places))
    yield f"    {'entry':<{max(width, 5)}}  {'yours':>14}  {'right':>14}"
    for place, (_, yours, right) in zip(places, worst, strict=True):
        yield f"    {place:<{max(width, 5)}}  {yours:>14.7g}  {right:>14.7g}"
    wrong = int(np.sum(np.abs(finding.yours - finding.right) > 1e-10 * np.max(np.abs(finding.right))))
    share = f"by up to {finding.error:.2g} of the largest right entry"
    yield f"    ({wrong} of {finding.right.size} entries differ, {share}.)"
