"""How often the referee names the right line of wrong code, how long it takes, and whether it accuses right code.

    python benchmarks/referee.py                     # small samples: some minutes
    python benchmarks/referee.py --sample 100 --right 500 --seed 1

Mistakes are planted in the code that the tests hold (`tests/`, on the path of Python): networks of 1 to 4 layers with
every activation and loss, with and without δ, with the mistakes of the catalogue; and styles of courses, posts and
books, with mistakes known to be made there and with others drawn at random. A report counts as right if its
corrections stand in the lines that were changed and in no others; as right or equal if that holds with a line that the
report prints as an equal of a correction ("or, equally, line 20"), which it has proved by running; as mended if what it
corrects gives the right arrays. Faults are errors of the
referee itself, which it tells. Times are of the processor,
for one report.
"""

from __future__ import annotations

from harness import setting  # isort: skip  # limits the threads before NumPy is loaded

import argparse
import importlib
import itertools
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np

from nn import check_backprop

sys.path.insert(0, str(Path(__file__).parents[1]))
courses, mutated, scripts, written = (  # what the tests hold has no types
    cast("Any", importlib.import_module(f"tests.{name}"))
    for name in ("courses_styles", "mutated_styles", "scripts", "written_networks")
)
STYLES = courses.STYLES

__all__ = ["main"]

Case = tuple[Any, tuple[int, ...], str]  # a style, the lines that were changed, the text
LOOPS = {"scalars", "entry_by_entry", "plain_lists", "perceptron_of_lists"}  # a run takes a hundred times as long
NETWORKS = list(itertools.product((1, 2, 3, 4), written.SIGMA, written.ERROR, (False, True), (False, True)))
MEMORY = 4 << 30  # bytes
SCALES = (1e-8, 1e-4, 1.0, 1e4, 1e8)


def catalogue(count: int, seed: int, *, of_each: int) -> Iterator[Case]:
    """Yield written networks with one or two mistakes of the catalogue."""
    rng = random.Random(seed)
    for depth, activation, loss, in_loop, with_delta in rng.sample(NETWORKS, min(count, len(NETWORKS))):
        style = written.written_network(depth, activation, loss, in_loop=in_loop, with_delta=with_delta)
        if of_each == 2:
            yield from ((style, lines, text) for lines, text in mutated.planted_pairs(style, 1, seed))
        else:
            text, line = mutated.with_mistake(style.text, *rng.choice(style.mistakes))
            yield style, (line,), text


def known(count: int, seed: int, *, of_each: int) -> Iterator[Case]:
    """Yield styles with one or two of the mistakes that are known of them."""
    rng = random.Random(seed)
    every = [(name, k) for name, style in STYLES.items() for k in range(len(style.mistakes))]
    if of_each == 1:
        for name, k in rng.sample(every, min(count, len(every))):
            style = STYLES[name]
            text, line = mutated.with_mistake(style.text, *style.mistakes[k])
            yield style, tuple(range(line, line + max(1, style.mistakes[k][0].count("\n")))), text
        return
    for name in itertools.islice(itertools.cycle(_shuffled_names(rng)), count):
        yield from (
            (STYLES[name], lines, text) for lines, text in mutated.planted_pairs(STYLES[name], 1, rng.randrange(10**6))
        )


def drawn(count: int, seed: int, *, of_each: int) -> Iterator[Case]:
    """Yield styles with one or two mistakes drawn at random."""
    rng = random.Random(seed)
    draw: Callable[..., Any] = mutated.mutants if of_each == 1 else mutated.pairs_of_mutants
    for name in itertools.islice(itertools.cycle(_shuffled_names(rng)), count):
        yield from ((STYLES[name], lines, text) for lines, text in draw(STYLES[name], 1, rng.randrange(10**6)))


def _shuffled_names(rng: random.Random) -> list[str]:
    names = sorted(set(STYLES) - LOOPS)
    return rng.sample(names, len(names))


def measured(cases: Iterator[Case], *, of_each: int, verbose: bool) -> str:
    """Return a row of the table: how many cases, right lines, mended, and times."""

    def are_right(found: tuple[int, ...], lines: tuple[int, ...]) -> bool:
        part = set(found) <= set(lines) and len(lines) > of_each  # a mistake of several lines
        return bool(found) and (found == lines or part)

    hits, equals, mended, seconds, faults = [], [], [], [], 0
    for style, lines, text in cases:
        arguments, more = style.problem()
        function = scripts.module_of(text).my_backprop
        begin = time.process_time()
        report = check_backprop(function, *arguments, **more)
        took = time.process_time() - begin
        faults += bool(report.reading.fault)
        if report.ok:  # the mistake does not show
            continue
        found = tuple(sorted({c.line for c in report.corrections}))
        is_all = report.reading is not None and report.reading.explains_all
        is_hit = is_all and are_right(found, lines)
        hits.append(is_hit)
        equals.append(is_hit or (is_all and any(are_right(chosen, lines) for chosen in _readings(report))))
        mended.append(is_all)
        seconds.append(took)
        if verbose and not is_hit:
            print(f"--- {style.name}: lines {lines}, said {found}, {took:.1f} s")
            print("\n".join(text.splitlines()[k - 1] for k in lines))
            print(report, flush=True)
    if not hits:
        return "none"
    middle, late = np.percentile(seconds, [50, 95])
    share = f"{sum(hits)} of {len(hits)} ({sum(hits) / len(hits):.1%})"
    times = f"{middle:>8.2f} s {late:>8.2f} s {max(seconds):>8.2f} s"
    return f"{share:>20} {sum(equals) / len(hits):>10.1%} {sum(mended) / len(hits):>8.1%} {times} {faults:>6}"


def _readings(report: Any) -> Iterator[tuple[int, ...]]:
    """Yield the lines of the corrections, with those that are printed as equals in their places."""
    for chosen in itertools.product(*((c.line, *(other.line for other in c.alternatives)) for c in report.corrections)):
        yield tuple(sorted(set(chosen)))


def accusations(count: int, seed: int) -> str:
    """Return of how many right versions how many were accused, over styles, networks and scales."""
    rng = random.Random(seed)
    accused, overflowing, seconds = 0, 0, []
    for k in range(count):
        if k % 2:
            style = STYLES[rng.choice(sorted(STYLES))]
        else:
            depth, activation, loss, in_loop, with_delta = rng.choice(NETWORKS)
            style = written.written_network(depth, activation, loss, in_loop=in_loop, with_delta=with_delta)
        scale = rng.choice(SCALES)
        arguments, more = style.problem(rng.randrange(10**6), min(scale, 1.0) if "binary" in style.loss else scale)
        begin = time.process_time()
        try:
            with np.errstate(all="ignore"):
                report = check_backprop(scripts.module_of(style.text).my_backprop, *arguments, **more)
        except OverflowError:  # of math.exp, in code on single numbers
            overflowing += 1
            continue
        seconds.append(time.process_time() - begin)
        wrong = [finding for finding in report.findings if finding.verdict not in ("right", "undecidable")]
        if any(not np.isfinite(finding.yours).all() for finding in wrong):
            overflowing += 1
        elif wrong or report.corrections:
            accused += 1
            print(f"accused: {style.name} at {scale:g}\n{report}", flush=True)
    middle, late = np.percentile(seconds, [50, 95])
    took = f"{middle:.3f} s in the median, {late:.3f} s at the 95th percentile"
    return f"{accused} of {count} right versions accused, {overflowing} overflowed themselves; {took}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=20, help="how many reports for each row (%(default)s)")
    parser.add_argument("--right", type=int, default=40, help="how many right versions (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="print each report that is not right")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # what is drawn at random may ask for any amount
    print(", ".join(setting().values()))
    heads = f"{'mistakes':34} {'right line':>20} {'or equal':>10} {'mended':>8}"
    print(f"{heads} {'median':>10} {'95 %':>10} {'longest':>10} {'faults':>6}")
    for of_each in (1, 2):
        for name, sample in (("of the catalogue", catalogue), ("known of a style", known), ("drawn at random", drawn)):
            row = measured(
                sample(options.sample, options.seed, of_each=of_each), of_each=of_each, verbose=options.verbose
            )
            print(f"{('one ' if of_each == 1 else 'two ') + name:34} {row}", flush=True)
    print(accusations(options.right, options.seed))


if __name__ == "__main__":
    main()
