"""Which families have an equation of their own, and what stands in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from ... import ops
from ..language.build import ONE, ZERO, add, inlined, multiply, power, reduce, replaced, split, substituted
from ..language.index import Axis, Index, at
from ..language.term import (
    Call,
    Family,
    Number,
    Power,
    Product,
    Reduction,
    Reference,
    Softmax,
    Sum,
    Term,
    lag,
    references,
    walk,
)
from ..recognise.recognition import Recognition
from .adjoint import Adjoints
from .choices import without_choices
from .idioms import one_hot_of
from .layers import Layers
from .simplify import Simplifier, cost

__all__ = ["Equations", "derived_equations", "is_activation"]


_LONG = 30  # operations of an adjoint that is not written into others on trial
_OFTEN = 1  # operations that are written out wherever they are used, more than once
_UNNAMED = 4  # how much longer a page may be without a value that has no name and so needs one


@dataclass(eq=False)
class Equations:
    """The equations of a graph: what is printed, and what the numbers of the graph are computed by.

    Attributes:
        recognition: Where they come from.
        terms: The right side for each family that has an equation.
        forward: The values that have one, what others need first.
        backward: The adjoints of values that have one, likewise.
        gradients: The adjoints of the parameters.
        weighted: The weighted inputs among the values, sums of products with parameters.
        assumed: The inputs whose members were assumed to sum to 1.
        general: What adjoints are without that assumption, where it matters.
        has_zero_logs: Whether 0 · log 0 was taken to be 0.
        layers: The numbers of layers, if they are numbered.
        recorded: How many examples were at hand.
    """

    recognition: Recognition
    terms: dict[Family, Term]
    forward: list[Family]
    backward: list[Family]
    gradients: list[Family]
    weighted: set[Family]
    assumed: dict[str, int] = field(default_factory=dict)
    general: dict[Family, Term] = field(default_factory=dict)
    has_zero_logs: bool = False
    layers: Layers | None = None
    recorded: int = 1

    @property
    def root(self) -> Term:
        """The loss."""
        return self.recognition.root

    @property
    def loss(self) -> Family | None:
        """The family that is the loss."""
        return self.root.family if isinstance(self.root, Reference) else None

    @property
    def order(self) -> list[Family]:
        """All families that have an equation, in the order of a page."""
        return [*self.forward, *self.backward, *self.gradients]


def derived_equations(
    found: Recognition, sums_to_one: Mapping[str, int] | None = None, layers: Layers | None = None
) -> Equations:
    """Return the equations of what was recognised.

    Args:
        found: What was recognised.
        sums_to_one: For equations that are read, the inputs whose members sum to 1 in all data at hand, and along
            which axis: then 0 · log 0 is 0 too. None for equations that hold for all numbers.
        layers: The numbers of layers, if they are numbered.
    """
    return _Derivation(found, sums_to_one, layers).equations()


class _Derivation:
    def __init__(self, found: Recognition, sums_to_one: Mapping[str, int] | None, layers: Layers | None) -> None:
        self.found = found
        self.sums_to_one, self.layers = sums_to_one or {}, layers
        self.assumed: dict[str, int] = {}
        self.general: dict[Family, Term] = {}
        self.values = [family for family in found.families if family.kind == "value"]
        self.loss = found.root.family if isinstance(found.root, Reference) else None
        self.weighted = _name_weighted(found.families) if layers is None else set(layers.weighted)
        sloped = (
            None if layers is None else {a for a, number in layers.activations.items() if number in layers.functions}
        )
        self.adjoints = Adjoints(found.families, found.root, found.wanted, sloped).order
        self._simplifier = Simplifier()
        self._chosen: dict[Term, Term] | None = None if sums_to_one is None else {}
        self.shown = self._values_with_equations()
        hidden = {family for family in self.values if family not in self.shown}
        self.terms: dict[Family, Term] = {}
        self._place = {adjoint: k for k, adjoint in enumerate(self.adjoints)}
        self._reads: dict[Family, Counter[Family]] = {}  # how often the term of an adjoint reads each family
        self._readers: dict[Family, set[Family]] = {}  # the adjoints whose terms read a family
        for family in self.values:
            if family in self.shown:
                self.terms[family] = self._without_choices(_inlined(family.body, hidden))
        for adjoint in self.adjoints:
            self._put(adjoint, self.simplest(_inlined(adjoint.body, hidden)))

    def equations(self) -> Equations:
        """Settle which adjoints have an equation, and return all."""
        of_values = [adjoint for adjoint in self.adjoints if adjoint.source.kind == "value"]
        self._inline_used_once(of_values)
        self._fold()
        self._inline_where_shorter(of_values)
        backward = [adjoint for adjoint in of_values if adjoint in self.terms]
        for adjoint in backward:
            self._show(adjoint.source)
        self._inline_used_once(of_values)
        backward = [adjoint for adjoint in backward if adjoint in self.terms]
        for adjoint in [a for a in self.adjoints if a in self.terms]:
            term = self.terms[adjoint]
            self._put(adjoint, self._assume(term))
            if self.terms[adjoint] is not term:
                self.general[adjoint] = term
        return Equations(
            self.found,
            self.terms,
            self._read(backward),
            backward,
            [adjoint for adjoint in self.adjoints if adjoint.source.kind != "value"],
            self.weighted,
            self.assumed,
            self.general,
            self._has_zero_logs(),
            self.layers,
        )

    def _read(self, backward: Sequence[Family]) -> list[Family]:
        """Return the values with an equation that something reads, or whose adjoint has one."""
        read = {self.loss, *(adjoint.source for adjoint in backward)}
        read |= {
            each.family
            for adjoint in self.adjoints
            if adjoint in self.terms
            for each in references(self.terms[adjoint])
        }
        for family in reversed(self.values):
            if family in read and family in self.terms:
                read |= {each.family for each in references(self.terms[family])}
        return [family for family in self.values if family in read and family in self.terms]

    def simplest(self, term: Term) -> Term:
        """Return the shortest form of a term that exact algebra finds."""
        return self._simplifier.simplest(self._without_choices(term))

    def _without_choices(self, term: Term) -> Term:
        """Return a term without the choices that make no difference, if the equations are for readers."""
        if self._chosen is None:
            return term
        if term not in self._chosen:
            self._chosen[term] = without_choices(term)
        return self._chosen[term]

    def _has_zero_logs(self) -> bool:
        changed = [before for before, after in (self._chosen or {}).items() if before is not after]
        return any(isinstance(each, Call) and each.op is ops.log for term in changed for each in walk(term))

    # --- forward ---------------------------------------------------------------------------------

    def _values_with_equations(self) -> set[Family]:
        """Return the values that have an equation."""
        uses: dict[Family, int] = {}
        lagged: set[Family] = set()
        named: dict[str, int] = {}
        for family in self.values:
            named[family.name] = named.get(family.name, 0) + family.named
            for reference in references(family.body):
                uses[reference.family] = uses.get(reference.family, 0) + 1
                if lag(family, reference):
                    lagged.add(reference.family)
        shown: set[Family] = set()
        whole: dict[Family, float] = {}  # operations of a value with those in it that have no equation
        for family in self.values:
            inside = references(family.body)
            whole[family] = cost(family.body) + sum(
                whole.get(each.family, 0) for each in inside if each.family not in shown
            )
            own_name = family.named and named[family.name] == 1 and family.name != "loss"
            often = uses.get(family, 0) > 1 and whole[family] > _OFTEN
            if family is self.loss or own_name or family in self.weighted or family in lagged or often:
                shown.add(family)
            for each in walk(family.body):
                if isinstance(each, Softmax) or (isinstance(each, Reduction) and each.name != "sum"):
                    shown |= {
                        r.family
                        for r in references(each)
                        if r.family.kind == "value" and (r.family.mask is not None or r.family.operation == "stack")
                    }
        return shown

    def _show(self, family: Family) -> None:
        """Give a value an equation, and write it where its term stands."""
        if family in self.shown:
            return
        self.shown.add(family)
        body = self.terms[family] = _inlined(family.body, {f for f in self.values if f not in self.shown})
        position = self.values.index(family)
        for other in [*self.values[position + 1 :], *self.adjoints]:
            if other in self.terms:
                self._put(other, replaced(self.terms[other], lambda each: _as_reference(family, body, each)))

    # --- backward --------------------------------------------------------------------------------

    def _put(self, family: Family, term: Term) -> None:
        """Make a term that of a family, and know which adjoints read what."""
        if family in self._place and term is not self.terms.get(family):
            self._forget(family)
            reads = self._reads[family] = Counter(each.family for each in references(term))
            for read in reads:
                self._readers.setdefault(read, set()).add(family)
        self.terms[family] = term

    def _forget(self, adjoint: Family) -> None:
        for read in self._reads.pop(adjoint, ()):
            self._readers[read].discard(adjoint)

    def _drop(self, gone: Family, new: Mapping[Family, Term]) -> None:
        """Take an adjoint away; its users have new terms."""
        self._forget(gone)
        del self.terms[gone]
        for user, term in new.items():
            self._put(user, term)

    def _users(self, adjoint: Family) -> list[Family]:
        return sorted(self._readers.get(adjoint, ()), key=self._place.__getitem__)

    def _is_recursive(self, adjoint: Family) -> bool:
        if adjoint in self._reads[adjoint]:
            return True
        return adjoint.time is not None and any(
            each.family is adjoint and lag(user, each)
            for user in self._users(adjoint)
            for each in references(self.terms[user])
        )

    def _substitute(self, gone: Family, users: Sequence[Family]) -> dict[Family, Term]:
        """Return what the users of an adjoint become with its term in place of it."""
        term = self.terms[gone]

        def by(each: Term) -> Term | None:
            if isinstance(each, Reference) and each.family is gone:
                return inlined(gone, term, each.indices)
            return None

        return {user: replaced(self.terms[user], by) for user in users}

    def _inline_used_once(self, adjoints: Sequence[Family]) -> None:
        """Inline adjoints that are used once, or that are no more than another name."""
        while True:
            gone = next((a for a in adjoints if a in self.terms and self._is_to_go(a)), None)
            if gone is None:
                return
            users = self._users(gone)
            new = self._substitute(gone, users)
            self._drop(gone, {user: self.simplest(term) for user, term in new.items()})

    def _is_to_go(self, adjoint: Family) -> bool:
        users = self._users(adjoint)
        if not users:
            return True
        if self._is_recursive(adjoint):
            return False
        number, rest = split(self.terms[adjoint])
        is_name = isinstance(rest, Reference) or one_hot_of(rest) is not None
        if adjoint.source in self.weighted:
            return is_name and abs(number) == 1 and _is_adjoint(rest) and not adjoint.named
        is_trivial = (is_name or isinstance(rest, Number)) and abs(number) == 1
        if is_trivial or not self.terms[adjoint].parts or (is_name and not adjoint.named):
            return True
        return sum(self._reads[user][adjoint] for user in users) <= 1

    def _inline_where_shorter(self, adjoints: Sequence[Family]) -> None:
        """Inline an adjoint everywhere if everything together becomes shorter."""
        for gone in adjoints:
            if gone not in self.terms or gone.source in self.weighted or self._is_recursive(gone):
                continue
            users = self._users(gone)
            new = {user: self.simplest(term) for user, term in self._substitute(gone, users).items()}
            before = cost(self.terms[gone]) + sum(cost(self.terms[user]) for user in users)
            is_product = not any(isinstance(each, Sum) for each in walk(self.terms[gone]))
            bonus = 0 if gone.source.name else _UNNAMED * (1 + is_product)
            if sum(map(cost, new.values())) < before - 1 + bonus:
                self._drop(gone, new)

    # --- what is known of forward values ---------------------------------------------------------

    def _fold(self) -> None:
        """Write forward values for their terms in adjoints, n for (z − μ)/σ; drop sums that are known to be 0."""
        folds = list(self._folds())
        vanishing = [
            (family, d)
            for family in self.values
            if family in self.shown
            for d in range(len(family.axes))
            if self._sums_to_zero(family, d)
        ]
        for adjoint in [a for a in self.adjoints if a in self.terms]:
            term = self.terms[adjoint]
            for fold in folds:
                new = self.simplest(replaced(term, fold.by))
                if cost(new) < cost(term) or (cost(new) == cost(term) and new != term):
                    term = new
            without = _without_sums(term, vanishing)
            self._put(adjoint, term if without is term else self.simplest(without))
        self._inline_vanishing(vanishing)

    def _folds(self) -> Iterator[_Fold]:
        for family in self.values:
            if family not in self.shown or family.mask is not None or family.time is not None:
                continue
            term = self.terms[family]
            if isinstance(term, Product):
                whole = [part for part in term.parts if part.free == set(family.axes) and _is_foldable(part, family)]
                others = [part for part in term.parts if part not in whole]
                if len(whole) == 1 and all(map(_is_never_zero, others)):
                    yield _Fold(family, whole[0], multiply(*(power(part, -1) for part in others)))
            elif isinstance(term, Power):
                yield _Fold(family, term, ONE)

    def _sums_to_zero(self, family: Family, dimension: int) -> bool:
        """Whether the members along an axis add up to 0, as those of z − mean(z) do."""
        axis = family.axes[dimension]
        body = self.terms[family]
        if isinstance(body, Product):
            inside = [part for part in body.parts if axis in part.free]
            if len(inside) != 1:
                return False
            body = inside[0]
        if not isinstance(body, Sum):
            return False
        total = add(*(reduce("sum", [axis], part) for part in body.parts))

        def by(each: Term) -> Term | None:
            if isinstance(each, Reference) and each.family in self.terms and axis not in each.free:
                term = self.terms[each.family]
                if each.family.kind == "value" and each.family.time is None and isinstance(split(term)[1], Reduction):
                    return substituted(term, dict(zip(each.family.axes, each.indices, strict=True)))
            return None

        return ZERO in (total, replaced(total, by))

    def _inline_vanishing(self, vanishing: Sequence[tuple[Family, int]]) -> None:
        """Inline adjoints whose sums are 0, if that makes everything shorter."""
        for gone in [a for a in self.adjoints if a in self.terms and a.source.kind == "value"]:
            if gone.source in self.weighted or self._is_recursive(gone):
                continue
            users = self._users(gone)
            if cost(self.terms[gone]) > _LONG:
                continue
            new = {
                user: self.simplest(_without_sums(self.simplest(_sums_apart(term)), vanishing))
                for user, term in self._substitute(gone, users).items()
            }
            if users and sum(map(cost, new.values())) <= cost(self.terms[gone]) + sum(
                cost(self.terms[u]) for u in users
            ):
                self._drop(gone, new)

    def _assume(self, term: Term) -> Term:
        """Return a term with sums of inputs that were 1 in all data at hand replaced by 1."""

        def by(each: Term) -> Term | None:
            if not (isinstance(each, Reduction) and each.name == "sum" and len(each.axes) == 1):
                return None
            body = each.body
            picked = one_hot_of(body)
            if picked is not None and picked[1] is each.axes[0]:
                return ONE
            if (
                not isinstance(body, Reference)
                or body.family.name not in self.sums_to_one
                or body.family.kind != "input"
            ):
                return None
            d = self.sums_to_one[body.family.name]
            if body.indices[d].plain is each.axes[0] and each.axes[0].size == body.family.axes[d].size:
                self.assumed[body.family.name] = d
                return ONE
            return None

        new = replaced(term, by)
        return term if new is term else self.simplest(new)


# --- weighted inputs ---------------------------------------------------------------------------------


def _name_weighted(families: Sequence[Family]) -> set[Family]:
    """Return the weighted inputs; those without a name are z, numbered like the activations that are made of them."""
    taken = {family.name for family in families}
    users: dict[Family, list[Family]] = {}
    for family in families:
        if family.kind == "value":
            for reference in references(family.body):
                own = users.setdefault(reference.family, [])
                if family not in own:
                    own.append(family)
    weighted = [family for family in families if family.kind == "value" and _is_weighted(family)]
    unnamed: list[tuple[Family, Family | None]] = []
    for family in weighted:
        own = users.get(family, [])
        activation = own[0] if len(own) == 1 and is_activation(own[0]) else None
        if not family.name:
            unnamed.append((family, activation))
    alone = sum(activation is not None for _, activation in unnamed) == 1 and "z" not in taken
    for family, activation in unnamed:
        if activation is None:
            candidates = chain(("y", "o", "u", "q", "r"), (f"s{k}" for k in range(1, 99)))
        else:
            stem = activation.name.rstrip("0123456789")
            digits = activation.name[len(stem) :]
            first = (
                "z"
                if alone and not digits
                else f"z{digits}"
                if stem in ("a", "h", "") and digits
                else f"z{activation.name}"
            )
            candidates = chain((first,), (f"z{k}" for k in range(1, 99)))
        family.name = next(name for name in candidates if name not in taken)
        taken.add(family.name)
    return set(weighted)


def is_activation(family: Family) -> bool:
    """Whether a family is a function of another one, member by member."""
    term = family.body
    return isinstance(term, Call) and len(term.parts) == 1 and isinstance(term.parts[0], Reference)


def _is_weighted(family: Family) -> bool:
    """Whether a family is a sum with a product of parameters and something else, summed over an axis."""
    terms = family.body.parts if isinstance(family.body, Sum) else (family.body,)
    for term in terms:
        for each in walk(term):
            if isinstance(each, Reduction) and each.name == "sum":
                kinds = {reference.family.kind == "parameter" for reference in references(each.body)}
                if kinds == {True, False}:
                    return True
    return False


# --- folding -----------------------------------------------------------------------------------------


def _is_foldable(part: Term, family: Family) -> bool:
    if isinstance(part, Reduction):
        return not family.axes and not isinstance(part.body, Power)
    return isinstance(part, (Sum, Reference)) and bool(family.axes)


def _is_never_zero(part: Term) -> bool:
    """Whether a term is not 0 whatever the inputs and the parameters are, wherever there is a result."""
    match part:
        case Power():
            return part.exponent < 0
        case Number():
            return bool(part.value)
        case Reference():
            return part.family.numbers is not None and bool(part.family.numbers.all())
        case Call():
            return part.op is ops.exp
    return False


@dataclass
class _Fold:
    """A family that can be written for a part of its term: f · rest for `body`."""

    family: Family
    body: Term
    rest: Term

    def by(self, term: Term) -> Term | None:
        """Return what a term is, if it is the body at some indices or a whole power of it."""
        times = 1
        if isinstance(term, Power):
            if not isinstance(self.body, Power):
                return term if term.exponent.denominator != 1 else None
            ratio = term.exponent / self.body.exponent
            if ratio.denominator != 1:
                return None
            times, term = int(ratio), Power(term.base, self.body.exponent)
        if type(term) is not type(self.body) or len(term.parts) != len(self.body.parts):
            return None
        if isinstance(term, Reference) and isinstance(self.body, Reference) and term.family is not self.body.family:
            return None
        found = _instance(self.family, self.body, term)
        if found is None:
            return None
        reference = Reference(self.family, [found.get(axis, at(axis)) for axis in self.family.axes])
        return multiply(power(reference, times), substituted(self.rest, found))


def _instance(family: Family, body: Term, term: Term) -> dict[Axis, Index] | None:
    """Return the indices for a family's axes at which a body in them is a term."""
    if body.free - set(family.axes):
        return None
    own = [reference for reference in references(body) if reference.free]
    wanted = list(references(term))
    found: dict[Axis, Index] = {}

    def matched(k: int) -> bool:
        if len(found) == len(family.axes):
            return substituted(body, found) == term
        if k == len(own):
            return False
        for candidate in wanted:
            pairs = _pairs(family, own[k], candidate, term.free)
            if pairs is None or any(found.get(axis, index).key({}) != index.key({}) for axis, index in pairs.items()):
                continue
            new = {axis: index for axis, index in pairs.items() if axis not in found}
            found.update(new)
            if matched(k + 1):
                return True
            for axis in new:
                del found[axis]
        return False

    return found if matched(0) else None


def _pairs(family: Family, own: Reference, wanted: Reference, free: Collection[Axis]) -> dict[Axis, Index] | None:
    """Return what a family's axes are if one reference is another one, in a term with some free axes."""
    if own.family is not wanted.family:
        return None
    found: dict[Axis, Index] = {}
    for mine, theirs in zip(own.indices, wanted.indices, strict=True):
        axes = [(axis, k) for axis, k in mine.parts if axis in family.axes]
        if len(axes) == 1 and axes[0][1] == 1 and mine.table is None is theirs.table:
            rest = [part for part in theirs.parts if part[0] in free or len(mine.parts) == 1]
            found.setdefault(axes[0][0], Index(theirs.const - mine.const, rest))
    return found


def _as_reference(family: Family, body: Term, term: Term) -> Term | None:
    if type(term) is not type(body) or isinstance(body, (Reference, Number)):
        return None
    found = _instance(family, body, term)
    return None if found is None else Reference(family, [found.get(axis, at(axis)) for axis in family.axes])


# --- sums --------------------------------------------------------------------------------------------


def _without_sums(term: Term, vanishing: Sequence[tuple[Family, int]]) -> Term:
    """Return a term without the sums over whole families that are 0."""

    def by(each: Term) -> Term | None:
        if not (isinstance(each, Reduction) and each.name == "sum"):
            return None
        _, rest = split(each.body)
        if isinstance(rest, Reference):
            for family, d in vanishing:
                if rest.family is family:
                    axis = rest.indices[d].plain
                    if axis is not None and axis in each.axes and axis.size == family.axes[d].size:
                        return ZERO
        return None

    return replaced(term, by)


def _sums_apart(term: Term) -> Term:
    """Return a term with sums over an axis taken apart into the sums of their terms."""

    def by(each: Term) -> Term | None:
        if not (isinstance(each, Reduction) and each.name == "sum"):
            return None
        body = _sums_apart(each.body)
        sums = [part for part in body.parts if isinstance(part, Sum)] if isinstance(body, Product) else []
        if len(sums) == 1:
            others = [part for part in body.parts if part is not sums[0]]
            body = add(*(multiply(*others, part) for part in sums[0].parts))
        if isinstance(body, Sum):
            return add(*(reduce("sum", each.axes, part) for part in body.parts))
        return None

    return replaced(term, by)


def _inlined(term: Term, hidden: set[Family]) -> Term:
    """Return a term with the terms of hidden families in place of references to them."""

    def by(each: Term) -> Term | None:
        if isinstance(each, Reference) and each.family in hidden:
            return inlined(each.family, _inlined(each.family.body, hidden), each.indices)
        return None

    return replaced(term, by)


def _is_adjoint(term: Term) -> bool:
    return isinstance(term, Reference) and term.family.kind == "adjoint"
