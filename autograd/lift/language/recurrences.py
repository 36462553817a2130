"""Which families need each other, and in which order a step of them is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .term import Condition, Family, Product, Reference, Term, lag, references, walk

__all__ = ["components", "is_recurrent", "order_of_a_step"]


def components(terms: Mapping[Family, Term]) -> list[list[Family]]:
    """Return the families in groups that need each other, those that others need first."""
    below = {
        f: list(dict.fromkeys(r.family for r in references(term) if r.family in terms)) for f, term in terms.items()
    }
    index: dict[Family, int] = {}
    low: dict[Family, int] = {}
    stack: list[Family] = []
    on: set[Family] = set()
    out: list[list[Family]] = []
    for root in terms:
        if root in index:
            continue
        work = [(root, iter(below[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            family, rest = work[-1]
            new = next((g for g in rest if g not in index or g in on), None)
            if new is not None:
                if new in index:
                    low[family] = min(low[family], index[new])
                    continue
                index[new] = low[new] = len(index)
                stack.append(new)
                on.add(new)
                work.append((new, iter(below[new])))
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[family])
            if low[family] == index[family]:
                component: list[Family] = []
                while not component or component[-1] is not family:
                    component.append(stack.pop())
                    on.discard(component[-1])
                out.append(component[::-1])
    return out


def is_recurrent(component: Sequence[Family], terms: Mapping[Family, Term]) -> bool:
    """Whether families of one component need themselves."""
    return len(component) > 1 or any(r.family is component[0] for r in references(terms[component[0]]))


def order_of_a_step(component: Sequence[Family], terms: Mapping[Family, Term]) -> tuple[list[Family], bool]:
    """Return families in the order within a step, and whether the steps run forwards.

    Raises:
        ValueError: If there is no order.
    """
    own = set(component)
    now: dict[Family, set[Family]] = {family: set() for family in component}
    signs = set()
    for family in component:
        if family.time is None:
            raise ValueError(f"{family!r} needs itself and has no steps")
        for each in references(terms[family]):
            other = each.family
            if other not in own:
                continue
            if other.time is None:
                raise ValueError(f"{other!r} needs itself and has no steps")
            ahead = lag(family, each)
            if ahead:
                signs.add(ahead > 0)
            elif ahead == 0:
                now[family].add(other)
            elif not (each.indices[other.time].is_fixed and _is_guarded(terms[family], each, family)):
                raise ValueError(f"{family!r} needs {each!r}, which is no earlier step")
    if len(signs) != 1:
        raise ValueError(f"the steps of {component!r} run in no one direction")
    order: list[Family] = []
    while len(order) < len(component):
        ready = [family for family in component if family not in order and now[family] <= set(order)]
        if not ready:
            raise ValueError(f"{component!r} need each other within one step")
        order += ready
    return order, signs == {False}


def _is_guarded(term: Term, reference: Reference, family: Family) -> bool:
    """Whether a reference counts only where a condition fixes the step."""
    axis = family.axes[family.time or 0]
    for each in walk(term):
        if not isinstance(each, Product) or not any(isinstance(p, Condition) and axis in p.free for p in each.parts):
            continue
        if any(inner is reference for part in each.parts for inner in walk(part)):
            return True
    return False
