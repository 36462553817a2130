"""Measuring one workload with all its contenders, once they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from contender import OURS, Contender
from environments import UnavailableError, interpreter
from harness import agree, alternate, medians, ratio, table
from programme import NAMES, UNITS, Workload

__all__ = ["available", "comparison", "measured", "started"]

TURN = 0.05
"""For how many seconds a contender repeats short work when it is its turn, so that it finds its data in the cache."""


@contextmanager
def started(names: Sequence[str]) -> Iterator[dict[str, Contender]]:
    """Start the contenders that are available, and end them."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(Contender(name)) for name in names if available(name)}


def available(name: str) -> bool:
    """Return whether a contender can take part, having made its environment; say so if not."""
    try:
        interpreter(name)
    except UnavailableError as error:
        print(error)
        return False
    return True


def measured(workload: Workload, reference: str = "ours") -> dict[str, Any]:
    """Return medians of all phases and the ratios of our totals to the others', once all agree."""
    with started(workload.contenders) as contenders:
        for contender in contenders.values():
            contender.prepare("job", workload.function, workload.problem)
        agree({name: contender.check("job", 3) for name, contender in contenders.items()}, reference)
        phases: dict[str, dict[str, list[float]]] = {name: {} for name in contenders}
        on_end = {
            name: 1 + int(TURN / contender.time("job")["total"]) if workload.repeats > 1 else 1
            for name, contender in contenders.items()
        }

        def job(name: str) -> Callable[[], float]:
            def run() -> float:
                seconds = contenders[name].time("job", on_end[name])
                for phase, value in seconds.items():
                    phases[name].setdefault(phase, []).append(value)
                return seconds["total"]

            return run

        times = alternate({name: job(name) for name in contenders}, workload.repeats)
        return {
            "title": workload.title,
            "repeats": workload.repeats,
            "versions": {name: contender.versions() for name, contender in contenders.items()},
            "seconds": {name: medians(of) for name, of in phases.items()},
            "ratios": {
                ours: {name: ratio(times, ours, name) for name in contenders} for ours in OURS if ours in contenders
            },
        }


def comparison(workload: Workload, results: dict[str, Any]) -> str:
    """Return the table of a workload."""
    scale = UNITS[workload.unit] / workload.operations
    header = ["", *workload.phases, "total", *(f"{NAMES[ours].strip('*')} / this" for ours in results["ratios"])]
    rows = []
    for name, seconds in sorted(results["seconds"].items(), key=lambda item: item[1]["total"]):
        cells = [f"{seconds[phase] * scale:,.0f}" if phase in seconds else "" for phase in workload.phases]
        ratios = [f"{of[name]:.3g}" for of in results["ratios"].values()]
        total = seconds["total"] * scale
        rows.append([NAMES.get(name, name), *cells, f"{total:,.0f}" if total >= 100 else f"{total:.3g}", *ratios])
    return f"{results['title']}:\n\n{table(header, rows)}"
