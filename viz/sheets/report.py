"""The page of what the referee found: which arrays are right, and which factor of which line is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..canvas import escaped
from ..style import numeral, plain
from .mathml import mathml
from .sheet import Sheet, sheet, squares, words

__all__ = ["report_sheet"]

SIGNS = {"right": "✓", "wrong": "✗", "follows": "↳", "undecidable": "?"}
MEANING = {
    "right": "right",
    "wrong": "wrong by itself",
    "follows": "only follows",
    "undecidable": "cannot be judged",
}
ARRAYS = ("δ", "W", "b")
DIGITS, WORST = 7, 3
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def report_sheet(report: Any, title: str = "") -> Sheet:
    """Return the page of a report of `nn.check_backprop`."""
    told = report.to_dict()
    heading = title or _heading(told)
    numbered = list(enumerate(told["corrections"], 1))
    named = {(each["array"], each["layer"]): each for each in told["arrays"]}
    if numbered:
        details = "".join(_correction(each, k, named) for k, each in numbered)
        if told["left"]:
            left = ", ".join(named[each["array"], each["layer"]]["name"] for each in told["left"])
            details += f"<section><p>With these changes {words(left)} stay wrong.</p></section>"
    else:
        details = "".join(
            map(_finding, (each for each in told["arrays"] if each["verdict"] in ("wrong", "undecidable")))
        )
    note = f"<p>{words(told['note'])}</p>" if told["note"] and not told["ok"] else ""
    body = (
        f"<h1>{words(heading)}</h1><p class='lead'>{_lead(told)}</p>"
        f'<div class="over"><div>{_tiles(told["arrays"])}</div>'
        f'<ul class="list">{_equations(told)}</ul></div>{details}{note}'
    )
    return sheet(heading, body)


def _heading(told: Mapping[str, Any]) -> str:
    if told["ok"]:
        return "Your backpropagation is right"
    count = len(told["corrections"]) or sum(each["verdict"] == "wrong" for each in told["arrays"])
    if not count:
        return "Your backpropagation cannot be judged"
    number = COUNTS[count] if count < len(COUNTS) else str(count)
    if told["corrections"]:
        return f"Your backpropagation has {number} mistake{'s' if count > 1 else ''}"
    return f"In your backpropagation {number} array{'s are' if count > 1 else ' is'} wrong"


def _lead(told: Mapping[str, Any]) -> str:
    wrong = sum(each["verdict"] == "wrong" for each in told["arrays"])
    follow = sum(each["verdict"] == "follows" for each in told["arrays"])
    parts = [words(told["subject"]) + "."]
    if told["understood"]:
        parts.append(words(told["understood"]))
    if told["headline"]:
        parts.append(words(told["headline"]))
    if wrong:
        parts.append(
            f"<b>{_count(wrong, 'array is', 'arrays are')} wrong by {'itself' if wrong == 1 else 'themselves'}.</b>"
        )
    if follow:
        parts.append(f"{_count(follow, 'more is', 'more are')} wrong only because of what they were computed from.")
    return " ".join(parts)


def _count(count: int, one: str, many: str) -> str:
    number = COUNTS[count] if count < len(COUNTS) else str(count)
    return f"{number.capitalize()} {one if count == 1 else many}"


# --- the overview --------------------------------------------------------------------------------


def _tiles(arrays: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for layer in sorted({each["layer"] for each in arrays}, reverse=True):
        own = {each["array"]: each for each in arrays if each["layer"] == layer}
        tiles = "".join(_tile(own[array]) for array in ARRAYS if array in own)
        rows.append(f'<div class="row"><h3>layer {layer}</h3>{tiles}</div>')
    return "".join(rows)


def _tile(found: Mapping[str, Any]) -> str:
    verdict = found["verdict"]
    yours = _numbers(found["yours"], found["array"])
    drawn = squares(yours, _largest(yours)) if yours.size else ""
    top = f'<span class="top"><math>{mathml(found["name"])}</math><b>{SIGNS[verdict]}</b></span>'
    return f'<div class="tile {verdict}">{top}{drawn}<small>{MEANING[verdict]}</small></div>'


def _numbers(nested: Any, array: str) -> np.ndarray[Any, Any]:
    """Return an array, δ with the examples as columns."""
    numbers = np.array(nested, dtype=float)
    return numbers.T if array == "δ" and numbers.ndim == 2 else numbers


def _largest(*arrays: np.ndarray[Any, Any]) -> float:
    return max((float(np.abs(each[np.isfinite(each)]).max(initial=0.0)) for each in arrays), default=0.0)


def _equations(told: Mapping[str, Any]) -> str:
    struck = {mended: each for each in told["corrections"] for mended in [_blamed(each)]}
    lines = []
    for found in told["arrays"]:
        correction = struck.get((found["array"], found["layer"]))
        markup = mathml(found["equation"]) if correction is None else _struck(found["equation"], correction)
        verdict = found["verdict"]
        lines.append(f'<li class="{verdict}"><b>{SIGNS[verdict]}</b><math>{markup}</math></li>')
    return "".join(lines)


def _blamed(correction: Mapping[str, Any]) -> tuple[str, int]:
    """Return the array in whose equation a mistake stands: δ before W and b, and of these the uppermost."""
    order = sorted(
        (ARRAYS.index(each["array"]), -each["layer"]) for each in correction["mends"] if each["array"] in ARRAYS
    )
    return (ARRAYS[order[0][0]], -order[0][1]) if order else ("", 0)


def _struck(equation: str, correction: Mapping[str, Any]) -> str:
    """Return an equation with what belongs there underlined, and what stands there struck out before it."""
    stands, belongs = correction["stands"], correction["belongs"]
    wrong = f'<mrow class="struck">{mathml(stands) if stands else _code(correction["expression"])}</mrow>'
    left, _, right = equation.partition(" = ")
    if belongs and belongs in right:
        put = f'{wrong}<mspace width=".3em"/><mrow class="put">{mathml(belongs)}</mrow>'
        return f"{mathml(left)}<mo>=</mo>{mathml(right, {belongs: put})}"
    return f'{mathml(left)}<mo>=</mo>{wrong}<mspace width=".5em"/><mrow class="put">{mathml(right)}</mrow>'


def _code(text: str) -> str:
    return f"<mtext>{words(text, 80)}</mtext>"


# --- one mistake ---------------------------------------------------------------------------------


def _correction(found: Mapping[str, Any], number: int, named: Mapping[tuple[str, int], Mapping[str, Any]]) -> str:
    blamed = named.get(_blamed(found))
    stands, belongs = found["stands"] or found["expression"], found["belongs"]
    what = f"{stands} instead of {belongs}" if belongs else stands
    equation = blamed["equation"] if blamed else found["equation"]
    big = f'<div class="big"><math display="block">{_struck(equation, found)}</math></div>' if equation else ""
    text = "".join(f"<p>{_sentence(each)}</p>" for each in found["sentences"])
    order = sorted(found["mends"], key=lambda each: (-each["layer"], each["array"] != "δ", each["array"]))
    makes = [named[key]["name"] for each in order if (key := (each["array"], each["layer"])) in named]
    mends = f"<p>This makes {words(', '.join(makes))} right.</p>" if makes else ""
    right = _pair(blamed) if blamed else ""
    return (
        f'<section><h2><span class="cross">✗</span> {number}. {words(what)}</h2>'
        f'<div class="cols"><div>{big}{text}{_lines(found)}{mends}</div><div>{right}</div></div></section>'
    )


def _sentence(text: str) -> str:
    """Return a sentence, what stands between backticks as code."""
    parts = re.split(r"`([^`]*)`", text)
    return "".join(f"<code>{words(part)}</code>" if k % 2 else words(part, 2000) for k, part in enumerate(parts))


def _literal(code: str) -> str:
    return escaped(plain(code))


def _lines(found: Mapping[str, Any]) -> str:
    """Return the line as it stands, the wrong part underlined, and as it is right."""
    source, begin = found["source"], found["column"]
    end = found["end_column"] if found["end_line"] == found["line"] else len(source)
    line = f"{_literal(source[:begin])}<u>{_literal(source[begin:end])}</u>{_literal(source[end:])}"
    place = f"{found['file'].rsplit('/', 1)[-1]}, line {found['line']}, in {found['function']}"
    text = f'<pre><span class="place">{words(place)}</span>\n{line}</pre>'
    if found["corrected"]:
        text += f'<pre><span class="place">corrected</span>\n<ins>{_literal(found["corrected"])}</ins></pre>'
    return text


def _pair(found: Mapping[str, Any]) -> str:
    """Return an array beside the right one, on one scale, and the entries that differ most."""
    yours, right = (_numbers(found[which], found["array"]) for which in ("yours", "right"))
    if yours.shape != right.shape:
        shapes = " and ".join(" × ".join(map(str, each.shape)) or "one number" for each in (yours, right))
        return f"<p>Yours and the right one have the shapes {shapes}.</p>"
    largest = _largest(yours, right)
    figures = "".join(
        f"<figure>{squares(each, largest, cell=20.0)}<figcaption>{name}</figcaption></figure>"
        for name, each in (("yours", yours), ("right", right))
    )
    return f'<div class="compare">{figures}</div>{_entries(found)}'


def _entries(found: Mapping[str, Any]) -> str:
    yours, right = (np.array(found[which], dtype=float) for which in ("yours", "right"))
    with np.errstate(invalid="ignore"):
        difference = np.nan_to_num(np.abs(yours - right), nan=np.inf)
    order = np.argsort(-difference, axis=None, kind="stable")[:WORST]
    places = [tuple(int(k) for k in np.unravel_index(at, difference.shape)) for at in order]
    rows = "".join(
        f'<tr><td>[{", ".join(map(str, place))}]</td><td class="number g">{numeral(float(yours[place]), DIGITS)}</td>'
        f'<td class="number g">{numeral(float(right[place]), DIGITS)}</td></tr>'
        for place in places
        if difference[place] > 0.0
    )
    head = "<tr><th>entry</th><th>yours</th><th>right</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>" if rows else ""


def _finding(found: Mapping[str, Any]) -> str:
    """Return what is known of a wrong array whose line was not found."""
    said = [found["remark"], *(mistake["text"] for each in found["explanations"][:1] for mistake in each)]
    text = "".join(f"<p>{_sentence(each)}</p>" for each in said if each)
    others = [" and ".join(mistake["text"] for mistake in each) for each in found["explanations"][1:]]
    if others:
        items = "".join(f"<li>{_sentence(each)}</li>" for each in others)
        text += f"<p>These give the same numbers here, so the numbers cannot tell which:</p><ul>{items}</ul>"
    return (
        f'<section><h2><span class="cross">{SIGNS[found["verdict"]]}</span> {words(found["name"])}</h2>'
        f'<div class="cols"><div><div class="big"><math display="block">{mathml(found["equation"])}</math></div>{text}'
        f"</div><div>{_pair(found)}</div></div></section>"
    )
