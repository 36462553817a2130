"""In what form gradients came back: which array is which, told by its name, its place or its shape."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .unrolled import Unrolled

__all__ = ["ParameterName", "Places", "Returned", "parameter_name", "sorted_out", "without_loss"]

NAMES = ("dW", "db", "delta")
DEPTH = 6  # lists in lists; every form has fewer

Place: TypeAlias = tuple[str, int]
"""Where an array belongs: "dW" or "db", and its layer, counted from 0."""

Places: TypeAlias = Mapping[Place, tuple[int, ...]]
"""The shape of every array that is to come back, in the order of `model.parameters()`."""

_NAME = re.compile(
    r"(?P<mark>d|d[a-z]{1,4}d|grads?|nabla|delta)?(?P<what>weights?|biases|bias|thetas?|ws|bs|w|b)(?P<layer>\d*)(?P<end>grads?)?"
)
_DELTA = re.compile(r"(deltas?|dz)(?P<layer>\d*)")


class ParameterName(NamedTuple):
    """What an array is by its name.

    Attributes:
        what: "dW", "db" or "delta"; "dW" is said of weights too.
        layer: Its layer as the name counts it; None if it says none.
        is_marked: Whether the name says that it is a gradient.
    """

    what: str
    layer: int | None
    is_marked: bool


@functools.lru_cache(1024)
def parameter_name(name: str) -> ParameterName | None:
    """Return what an array is by its name; None if it is none of these.

    Example:
        >>> parameter_name("grad_W_2")
        ParameterName(what='dW', layer=2, is_marked=True)
    """
    short = "".join(re.findall(r"[^\W_]+", name.lower().replace("∇", "nabla").replace("∂", "d")))
    if match := _DELTA.fullmatch(short):
        what, is_marked = "delta", True
    elif match := _NAME.fullmatch(short):
        what = "db" if match["what"].startswith("b") else "dW"
        is_marked = bool(match["mark"] or match["end"])
    else:
        return None
    return ParameterName(what, int(match["layer"]) if match["layer"] else None, is_marked)


@dataclass(frozen=True, slots=True)
class Returned:
    """The arrays by what they are.

    Attributes:
        parts: "dW", "db" and "delta", lists with the first layer first; None for what is missing.
        understood: What was made of another form than the documented one, as a phrase; empty for that one.
        is_vector: Whether they came as one vector.
    """

    parts: dict[str, Any]
    understood: str = ""
    is_vector: bool = False


def sorted_out(returned: Any, places: Places, unrolled: Unrolled) -> Returned:
    """Return which array is which in what a backward pass returned.

    The documented form is taken as such, unless the arrays do not fit in it and fit in exactly one other.

    Args:
        returned: What came back.
        places: What belongs there; without places for "db" none is needed.
        unrolled: In which order arrays stand in one vector.

    Raises:
        TypeError: If it has no form that is known.
        ValueError: If neither names nor shapes tell which array is which.
    """
    if _is_deeper(returned, DEPTH):
        raise TypeError(f"my_backprop must return arrays, got lists more than {DEPTH} deep: does one hold itself?")
    returned = without_loss(returned)
    documented = _documented(returned)
    if documented is not None and (isinstance(returned, Mapping) or _fits(documented, places)):
        return Returned(documented)
    if isinstance(returned, Mapping):
        return _by_name(returned, places)
    if isinstance(returned, np.ndarray) and (vector := _from_vector(returned, places, unrolled)) is not None:
        return vector
    found = _by_shape(returned, places, is_documented=documented is not None)
    if found is not None:
        return found
    if documented is not None and ("db", 0) in places:
        return Returned(documented)
    if ("db", 0) not in places and isinstance(returned, (list, tuple)) and len(returned) == len(places):
        return Returned({"dW": list(returned)})  # what has another shape is wrong, and no other array
    wanted = "(dW, db) or (dW, db, delta)" if ("db", 0) in places else "dW, a list with one array a layer"
    raise TypeError(f"my_backprop must return {wanted}, got {_told(returned)}; {_required(places)}")


def without_loss(returned: Any) -> Any:
    """Return what stands beside the loss in (loss, gradients) or (gradients, loss)."""
    if isinstance(returned, tuple) and len(returned) == 2:
        numbers = [isinstance(part, (int, float, np.number)) for part in returned]
        if sum(numbers) == 1:
            return returned[numbers.index(False)]
    return returned


def _is_deeper(value: Any, depth: int) -> bool:
    """Return whether lists are nested deeper; NumPy takes forever to find the shape of one that holds itself."""
    if isinstance(value, np.ndarray):
        return depth < 0
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return depth < 0 or any(_is_deeper(part, depth - 1) for part in parts)


def _documented(returned: Any) -> dict[str, Any] | None:
    if isinstance(returned, Mapping):
        return {name: returned.get(name) for name in NAMES} if "dW" in returned else None
    if hasattr(returned, "dW") and hasattr(returned, "db"):
        return {name: getattr(returned, name, None) for name in NAMES}
    if isinstance(returned, (tuple, list)) and len(returned) in (2, 3):
        return dict(zip(NAMES, returned, strict=False))
    return None


def _fits(parts: Mapping[str, Any], places: Places) -> bool:
    """Return whether all arrays are there, in lists and in the shapes that belong there."""
    layers = {"dW": 0, "db": 0} | {name: l + 1 for name, l in places}
    if any(
        count and (not isinstance(parts.get(name), (list, tuple)) or len(parts[name]) != count)
        for name, count in layers.items()
    ):
        return False
    return all(_suits(parts[name][l], shape) for (name, l), shape in places.items())


def _suits(array: Any, shape: tuple[int, ...]) -> bool:
    """Return whether an array has a shape; a bias gradient may be a row, a column or, of one neuron, a number."""
    try:
        given = np.shape(array)
    except ValueError:  # ragged lists
        return False
    return given == shape or (len(shape) == 1 and given in ((1, *shape), (*shape, 1), () if shape == (1,) else shape))


# --- by names


def _by_name(returned: Mapping[Any, Any], places: Places) -> Returned:
    """Return the arrays of a dictionary such as {"dW1": …, "db1": …}; a name may count layers from 0 or from 1."""
    marked: dict[str, dict[int | None, tuple[str, Any]]] = {}
    plain: dict[str, dict[int | None, tuple[str, Any]]] = {}
    for name, array in returned.items():
        parameter = parameter_name(str(name))
        if parameter is None:
            continue
        what, layer, is_marked = parameter
        found = marked if is_marked else plain
        if layer in found.setdefault(what, {}):
            raise ValueError(f"my_backprop must return each array once, got {found[what][layer][0]!r} and {name!r}")
        found[what][layer] = str(name), array
    parts = {name: _listed((marked if name in marked else plain).get(name, {}), places) for name in NAMES}
    needed = {name for name, _ in places}
    if any(parts[name] is None for name in needed):
        wanted, names = "both dW and db" if "db" in needed else "dW", ", ".join(map(str, returned))
        raise ValueError(
            f'my_backprop must return {wanted}, got the names {names}; a dictionary holds lists "dW" and "db", or '
            '"dW1", "db1" and so on for every layer'
        )
    used = [(marked if "dW" in marked else plain)["dW"], (marked if "db" in marked else plain).get("db", {})]
    told = ", ".join(name for found in used for name, _ in found.values())
    return Returned(parts, f"the gradients {told}, by their names")


def _listed(found: Mapping[int | None, tuple[str, Any]], places: Places) -> Any:
    """Return the arrays in the order of the layers, or the list that came under one name; None if one is missing."""
    L = 1 + max(l for _, l in places)
    if set(found) == {None}:
        array = found[None][1]
        return [array] if L == 1 and not isinstance(array, (list, tuple)) else array
    for first in (0, 1):
        if set(found) == set(range(first, first + L)):
            return [found[l][1] for l in range(first, first + L)]
    return None


# --- by places and shapes


def _by_shape(returned: Any, places: Places, *, is_documented: bool) -> Returned | None:
    """Return what `_searched` does; of arrays without lists around them, what was found before for their shapes."""
    if type(returned) not in (list, tuple) or not all(isinstance(part, np.ndarray) for part in returned):
        return _searched(returned, places, is_documented=is_documented)
    shapes = tuple(part.shape for part in returned)
    known = _of_shapes(shapes, tuple(places.items()), is_list=type(returned) is list, is_documented=is_documented)
    if known is None:
        return None
    parts, understood = known
    return Returned({name: at and [returned[k] for k in at] for name, at in parts.items()}, understood)


@functools.lru_cache
def _of_shapes(
    shapes: tuple[tuple[int, ...], ...],
    places: tuple[tuple[Place, tuple[int, ...]], ...],
    *,
    is_list: bool,
    is_documented: bool,
) -> tuple[dict[str, list[int] | None], str] | None:
    """Return which of several arrays are which part, and how that was understood: only their shapes tell."""
    arrays = [np.broadcast_to(0.0, shape) for shape in shapes]
    found = _searched(arrays if is_list else tuple(arrays), dict(places), is_documented=is_documented)
    at = {id(array): k for k, array in enumerate(arrays)}
    if found is None:
        return None
    return {name: part and [at[id(array)] for array in part] for name, part in found.parts.items()}, found.understood


def _searched(returned: Any, places: Places, *, is_documented: bool) -> Returned | None:
    """Return the arrays of the only form in which all shapes fit; None if there is no such form.

    Raises:
        ValueError: If there are several, and the form is not the documented one, in which a mistake may be.
    """
    if not isinstance(returned, (list, tuple)):
        return None
    found: dict[tuple[Place, ...], Returned] = {}
    for order, arrays, understood in _forms(returned, places):
        if len(arrays) == len(places) and all(map(_suits, arrays, (places[place] for place in order))):
            found.setdefault(order, _placed(order, arrays, understood))
    if not found and len(returned) == len(places):
        found = _only_permutation(list(returned), places) or ({} if is_documented else _nearest(returned, places))
    if len(found) == 1:
        return next(iter(found.values()))
    if found and not is_documented:
        ways = "; or ".join(form.understood for form in list(found.values())[:2])
        raise ValueError(
            f"my_backprop returned {_told(returned)}, whose shapes do not tell which array is which ({ways}): return "
            'lists (dW, db), or a dictionary with the names "dW1", "db1" and so on'
        )
    return None


def _forms(returned: Sequence[Any], places: Places) -> Iterator[tuple[tuple[Place, ...], list[Any], str]]:
    """Yield places, the arrays for them, and what was understood, for every form that people use."""
    L = 1 + max(l for _, l in places)
    kinds = [name for name in ("dW", "db") if (name, 0) in places]
    upwards, downwards = range(L), range(L - 1, -1, -1)
    if len(kinds) == 2 and len(returned) == 2 and all(isinstance(part, (list, tuple)) for part in returned):
        order = tuple((name, l) for name in ("db", "dW") for l in upwards)
        yield order, [array for part in returned for array in part], "the bias gradients first, (db, dW)"
    for layers, way in ((upwards, "from the first layer up"), (downwards, "from the output layer down")):
        for names in (kinds, kinds[::-1])[: len(kinds)]:
            pair = ", ".join(names)
            by_layers = tuple((name, l) for l in layers for name in names)
            if len(names) == 2 and len(returned) == L and all(_is_pair(part) for part in returned):
                yield by_layers, [array for part in returned for array in part], f"pairs ({pair}) {way}"
            yield by_layers, list(returned), f"gradients {pair} of layer after layer, {way}"
            if len(names) == 2:
                by_kinds = tuple((name, l) for name in names for l in layers)
                yield by_kinds, list(returned), f"all {names[0]}, then all {names[1]}, {way}"


def _nearest(returned: Sequence[Any], places: Places) -> dict[tuple[Place, ...], Returned]:
    """Return the only form in which most shapes fit: the others are wrong."""
    counted = [
        (sum(map(_suits, arrays, (places[place] for place in order))), _placed(order, arrays, understood), order)
        for order, arrays, understood in _forms(returned, places)
        if len(arrays) == len(places)
    ]
    most = max((count for count, _, _ in counted), default=0)
    best = {order: form for count, form, order in counted if count == most}
    return best if len(best) == 1 and 2 * most > len(places) else {}


def _is_pair(part: Any) -> bool:
    return isinstance(part, (list, tuple)) and len(part) == 2


def _only_permutation(arrays: list[Any], places: Places) -> dict[tuple[Place, ...], Returned]:
    """Return the order in which arrays fit, if it is the only one."""
    fitting = [[place for place, shape in places.items() if _suits(array, shape)] for array in arrays]
    if any(len(found) != 1 for found in fitting) or len({found[0] for found in fitting}) != len(places):
        return {}
    order = tuple(found[0] for found in fitting)
    return {order: _placed(order, arrays, "gradients in an order of their own, told by their shapes")}


def _placed(order: Sequence[Place], arrays: Sequence[Any], understood: str) -> Returned:
    at = dict(zip(order, arrays, strict=True))
    parts = {name: [at[place] for place in sorted(at) if place[0] == name] or None for name in NAMES}
    return Returned(parts, understood)


def _from_vector(array: np.ndarray[Any, Any], places: Places, unrolled: Unrolled) -> Returned | None:
    """Return the arrays of one vector, which may be a column; None of an array that is no such vector."""
    size = sum(int(np.prod(shape)) for shape in places.values())
    if array.dtype.kind not in "iuf" or array.shape not in ((size,), (size, 1)):
        return None
    order, arrays = zip(*unrolled.arrays(array.ravel(), places), strict=True)
    return replace(_placed(order, arrays, unrolled.understood), is_vector=True)


# --- what is said where nothing fits


def _told(returned: Any) -> str:
    """Return what came back: its type, and the shapes of what it holds."""
    name = type(returned).__name__
    if isinstance(returned, np.ndarray):
        return f"an array of shape {returned.shape}"
    if isinstance(returned, (list, tuple)) and returned and all(isinstance(part, np.ndarray) for part in returned):
        return f"{name} of arrays of the shapes {', '.join(str(part.shape) for part in returned)}"
    return f"{name} of {len(returned)}" if isinstance(returned, (list, tuple)) else name


def _required(places: Places) -> str:
    return "required are " + ", ".join(f"{name}{l + 1} {shape}" for (name, l), shape in places.items())
