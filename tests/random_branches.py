"""Random losses with Python's control flow, and every way of reading a number."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import autograd as ag
from autograd import Value, affine, no_grad


def random_branches(seed: int) -> Callable[..., Value]:
    """Return a function of three parameters, an input of three members and a target of one."""

    def function(w: list[Any], x: list[Any], t: list[Any]) -> Any:
        rng = random.Random(seed)
        pool = [*w, *x, *t]
        for _ in range(rng.randint(2, 9)):
            made = _step(rng, pool)
            pool.append(made if isinstance(made, Value) else Value(made))
        return sum(pool[-2:], 0.1 * w[0])

    return function


def _condition(rng: random.Random, pool: list[Any]) -> bool:
    a, b, c = rng.choice(pool), rng.choice(pool), rng.choice([0.0, 0.5, 1.0, -1.0, 2])
    kinds: list[Callable[[], bool]] = [
        lambda: a > c,
        lambda: a <= b,
        lambda: a.data >= b.data,
        lambda: a == c,
        lambda: a != c,
        lambda: a.data == b.data,
        lambda: int(a.data) % 2 == 0,
        lambda: round(a.data) >= 1,
        lambda: a.data + b.data > c,
        lambda: bool(a.data),
    ]
    return rng.choice(kinds)()


def _joint(rng: random.Random, pool: list[Any]) -> bool:
    one, other = _condition(rng, pool), _condition(rng, pool)
    return rng.choice([one, one and other, one or other, one == other])


def _step(rng: random.Random, pool: list[Any]) -> Any:
    a, b, c, d = rng.choice(pool), rng.choice(pool), rng.choice(pool), rng.random()
    kinds: list[Callable[[], Any]] = [
        lambda: a * b,
        lambda: a + b * d,
        lambda: ag.tanh(a - b),
        lambda: a * b.data,
        lambda: a.detach() + b,
        lambda: no_grad()(lambda: a * b + c)(),
        lambda: max(a, b),
        lambda: sorted([a, b, c])[1],
        lambda: a * b if _joint(rng, pool) else a + c,
        lambda: a * c if _joint(rng, pool) else b - c if _joint(rng, pool) else ag.sigmoid(a),
        lambda: Value(a.data * d + 1),
        lambda: affine([a, b], [c, a], d) if _joint(rng, pool) else a,
        lambda: _grown(a, b),
        lambda: a * (a.data - b.data) + abs(c.data),
    ]
    return rng.choice(kinds)()


def _grown(a: Any, b: Any) -> Any:
    steps = 0
    while a < 1 and steps < 3:
        a, steps = a + abs(b) * 0.5, steps + 1
    return a
