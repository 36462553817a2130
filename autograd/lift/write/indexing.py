"""Which axes are indices on a page and which belong to matrices, and the letters of the indices.

Axes that are the same dimension form a class. A class must be an index where something is read at a number, in steps or
in parts; otherwise it may be one, whichever gives the shorter page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..derive.equations import Equations
from ..language.index import Axis, Index
from ..language.term import Family, Reduction, Reference, Softmax, references, walk
from .style import SUBSCRIPTS

__all__ = ["Indexing"]

_NEAR = {"t": "us", "n": "mk", "i": "jk", "k": "ljm", "s": "ur", "j": "ik", "m": "nl", "p": "qr", "h": "gm", "l": "km"}
_OTHERS = "tsuvijklmnpr"


class Indexing:
    """The indices of a page.

    Attributes:
        chosen: The classes that are indices.
        must: Those that cannot but be.
        spatial: The classes of the axes of windows, x[p + k], which a correlation may write without an index.
        letters: The letter of each class.
        layers: The families whose first index is the number of a layer, written above.
    """

    def __init__(self, found: Equations, chosen: Iterable[Axis] | None = None) -> None:
        self.found = found
        self.order = found.order
        self._parent: dict[Axis, Axis] = {}
        self._join()
        self.spatial = self._find_spatial()
        self.must = self._find_must()
        self.chosen = set(self.must) | {self.find(axis) for axis in chosen or ()}
        self.layers = self._find_layers()
        self.taken = {family.source.name for family, _ in self.references()} | {f.source.name for f in self.order}
        self.taken |= {reference.family.source.name for _, reference in self.references()}
        self.letters = self._find_letters()
        self.sticky: dict[Family, list[bool]] = {}
        self._firsts: dict[Axis, int] = {}

    # --- classes ---------------------------------------------------------------------------------

    def find(self, axis: Axis) -> Axis:
        """Return what stands for the class of an axis."""
        parent = self._parent.setdefault(axis, axis)
        while parent is not self._parent.setdefault(parent, parent):
            parent = self._parent[parent]
        self._parent[axis] = parent
        return parent

    def another(self, axis: Axis) -> Axis:
        """Return a new axis of the class of one, which is called by the same numbers."""
        new = axis.like()
        self._firsts[new] = self.first(axis)
        self._union(new, axis)
        return new

    def _union(self, a: Axis, b: Axis) -> None:
        self._parent[self.find(a)] = self.find(b)

    def _join(self) -> None:
        for family in self.order:
            for a, b in zip(family.axes, family.source.axes, strict=True):
                self._union(a, b)
            for term in walk(self.found.terms[family]):
                if isinstance(term, Reference):
                    for index, axis in zip(term.indices, term.family.axes, strict=True):
                        if index.shifted is not None:
                            self._union(index.shifted, axis)
                elif isinstance(term, Softmax) and term.index.shifted is not None:
                    self._union(term.axis, term.index.shifted)

    def references(self) -> Iterator[tuple[Family, Reference]]:
        """Yield all references on the page, with the family in whose equation they are."""
        for family in self.order:
            for reference in references(self.found.terms[family]):
                yield family, reference

    def _indices(self) -> Iterator[tuple[Index, Axis]]:
        for _, reference in self.references():
            yield from zip(reference.indices, reference.family.axes, strict=True)

    def _find_spatial(self) -> set[Axis]:
        found: set[Axis] = set()
        for index, axis in self._indices():
            if index.table is None and len(index.parts) == 2 and all(abs(k) == 1 for _, k in index.parts):
                found |= {self.find(a) for a in index.free} | {self.find(axis)}
        return found

    def _find_must(self) -> set[Axis]:
        found: set[Axis] = set()
        strided: set[Axis] = set()
        for index, axis in self._indices():
            here = {self.find(a) for a in index.free} | {self.find(axis)}
            if index.table is not None or (index.parts and index.plain is None):
                found |= here
            elif index.is_fixed and axis.size > 1:
                found.add(self.find(axis))
            elif index.plain is not None and index.plain.size != axis.size:
                found.add(self.find(axis))
                strided.add(self.find(axis))
            if index.table is None and (len(index.parts) > 2 or any(abs(k) > 1 for _, k in index.parts)):
                strided |= here
        found |= {self.find(family.axes[family.time]) for family in self.order if family.time is not None}
        if strided & self.spatial:
            found |= self.spatial
            self.spatial = set()
        return found - self.spatial

    def free_classes(self) -> list[Axis]:
        """Return the classes that may be indices or not."""
        out: list[Axis] = []
        for family in self.order:
            for axis in family.axes:
                k = self.find(axis)
                if k not in out and k not in self.must and k not in self.spatial and axis.size > 1:
                    out.append(k)
        return out

    def features(self) -> set[Axis]:
        """Return the classes of the dimensions that products with parameters sum over, or give."""
        found: set[Axis] = set()
        for family in self.found.forward:
            for term in walk(self.found.terms[family]):
                if not (isinstance(term, Reduction) and term.name == "sum"):
                    continue
                own = list(references(term.body))
                if {reference.family.kind == "parameter" for reference in own} == {True, False}:
                    for reference in own:
                        if reference.family.kind == "parameter":
                            found |= {self.find(i.plain) for i in reference.indices if i.plain is not None}
        return found

    # --- roles -----------------------------------------------------------------------------------

    def roles(self, family: Family) -> list[bool]:
        """Return for each dimension of a family whether it is an index."""
        family = family.source
        if family in self.sticky:
            return self.sticky[family]
        out = [self.find(axis) in self.chosen for axis in family.axes]
        if family.stacked and family.axes:
            out[0] = True
        windows = [self.find(axis) in self.spatial for axis in family.axes]
        if any(windows):
            out = [is_index or not is_window for is_index, is_window in zip(out, windows, strict=True)]
        while out.count(False) > 2:
            open_ = [d for d, is_index in enumerate(out) if not is_index]
            out[next((d for d in open_ if family.axes[d].hint == "h"), open_[0])] = True
        return out

    # --- numbers and letters ---------------------------------------------------------------------

    def first(self, axis: Axis) -> int:
        """Return the number that an index's value 0 is called by."""
        if axis not in self._firsts:
            self._firsts[axis] = self._find_first(axis)
        return self._firsts[axis]

    def _find_first(self, axis: Axis) -> int:
        for family in self.order:
            if axis in family.axes:
                return family.dimension_first(family.axes.index(axis))
        for _, reference in self.references():
            for d, index in enumerate(reference.indices):
                if index.plain is axis:
                    return reference.family.dimension_first(d)
        return self._first_of_a_part(axis)

    def _first_of_a_part(self, axis: Axis) -> int:
        """Return the number that what is only read from a member on is called by there, 3 for w₃ + w₄ + …; else 1."""
        found: set[int] = set()
        for _, reference in self.references():
            for d, index in enumerate(reference.indices):
                if axis in index.free:
                    found.add(index.const + reference.family.dimension_first(d) if index.shifted is axis else 1)
        return max(1, *found) if len(found) == 1 else 1

    def _find_layers(self) -> set[Family]:
        """Return the recurrences whose steps run along with arrays that have numbered names."""
        classes = set()
        for family, reference in self.references():
            if family.kind == "value" and reference.family.stacked and len(reference.indices[0].parts) == 1:
                classes.add(self.find(reference.indices[0].parts[0][0]))
        self._layer_classes = {
            self.find(f.axes[f.time]) for f in self.order if f.time is not None and self.find(f.axes[f.time]) in classes
        }
        return {f.source for f in self.order if f.time is not None and self.find(f.axes[f.time]) in self._layer_classes}

    def _find_letters(self) -> dict[Axis, str]:
        taken = self.taken | self.found.recognition.taken
        counters = self.found.recognition.counters
        times = {self.find(family.axes[family.time]) for family in self.order if family.time is not None}
        letters: dict[Axis, str] = {}
        used: set[str] = set()
        for axis in self._axes():
            k = self.find(axis)
            if k in letters:
                continue
            loops = [c for c, last in counters.items() if last == axis.size - 1 > 0 and k not in self.spatial]
            pool = (
                "tsnk" if k in times else "kpjm" if k in self.spatial else "hmn" if axis.hint == "h" else "nkijhmprseu"
            )
            free = [c for c in [*loops, *pool] if c not in taken and c not in used and c in SUBSCRIPTS]
            free = free or [c for c in "ijkmnprsueo" if c not in used and c in SUBSCRIPTS] or ["i"]
            letters[k] = free[0]
            if k in self._layer_classes and "l" not in self.taken:
                letters[k] = "l"
            if k in self.chosen or k in self.spatial:
                used.add(letters[k])
        return letters

    def _axes(self) -> Iterator[Axis]:
        for family in self.order:
            yield from family.axes
            for reference in references(self.found.terms[family]):
                for index in reference.indices:
                    yield from sorted(index.free, key=lambda axis: axis.serial)

    def letter(self, axis: Axis) -> str:
        """Return the letter of an axis's class."""
        return self.letters.get(self.find(axis), "i")

    def another_letter(self, letter: str, used: Iterable[str]) -> str:
        """Return a letter for a second index of a class."""
        used = set(used)
        others = [c for c in _OTHERS if c not in used and c not in self.letters.values()]
        near = [
            c for c in (*_NEAR.get(letter, ""), *others) if c not in used and c in SUBSCRIPTS and c not in self.taken
        ]
        return (near or others or [c for c in "abcdefgoqwxyz" if c not in used])[0]
