"""Compare the engine with every peer: `python benchmarks/run.py`, or `… run.py chains digits` for some sections only.

It makes the peers' environments, checks that all agree, takes the times in turn, and writes `benchmarks/results.json`
and the tables of `docs/performance.md`. `--quick` does small problems with ourselves and the peers that need little
installed, checks that they agree, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import problems
from contender import OURS, Contender, whole_process
from environments import UnavailableError, interpreter
from harness import RESULTS, agree, alternate, medians, ratio, record, setting, table, write_section
from programme import NAMES, UNITS, Workload, small, workloads

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


def measured(workload: Workload) -> dict[str, Any]:
    """Return medians of all phases and the ratios of our totals to the others', once all agree."""
    with started(workload.contenders) as contenders:
        for contender in contenders.values():
            contender.prepare("job", workload.function, workload.problem)
        agree({name: contender.check("job", 3) for name, contender in contenders.items()}, "ours")
        phases: dict[str, dict[str, list[float]]] = {name: {} for name in contenders}
        on_end = {
            name: 1 + int(TURN / contender.time("job", 3)["total"]) if workload.repeats > 1 else 1
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
    for name, seconds in results["seconds"].items():
        cells = [f"{seconds[phase] * scale:,.0f}" if phase in seconds else "" for phase in workload.phases]
        ratios = [f"{of[name]:.3g}" for of in results["ratios"].values()]
        rows.append([NAMES.get(name, name), *cells, f"{seconds['total'] * scale:,.3g}", *ratios])
    return f"{workload.title}:\n\n{table(header, rows)}"


def scaling() -> dict[str, Any]:
    """Return seconds and bytes for each operation of graphs from 1,000 to 1,000,000 operations."""
    sizes = {f"{count:,}": problems.nodes(count) for count in (1_000, 10_000, 100_000, 1_000_000)}
    operations = {size: len(problem["starts"]) * 51 for size, problem in sizes.items()}
    phases: dict[str, dict[str, list[float]]] = {size: {} for size in sizes}
    with Contender("ours") as ours:
        for size, problem in sizes.items():
            ours.prepare(size, "nodes", problem)
            ours.prepare(f"memory {size}", "memory", problem)

        def job(size: str) -> Callable[[], float]:
            def run() -> float:
                seconds = ours.time(size)
                for phase, value in seconds.items():
                    phases[size].setdefault(phase, []).append(value / operations[size])
                return seconds["total"] / operations[size]

            return run

        times = alternate({size: job(size) for size in sizes}, 7)
        return {
            "seconds": {size: medians(of) for size, of in phases.items()},
            "ratios": {size: ratio(times, size, next(iter(sizes))) for size in sizes},
            "bytes": {size: ours.time(f"memory {size}") for size in sizes},
        }


def scaling_table(results: dict[str, Any]) -> str:
    """Return the table of time and memory against size."""
    header = ["operations", "forward, ns", "backward, ns", "total, ns", "total / at 1,000", "bytes held", "at the peak"]
    rows = []
    for size in sorted(results["seconds"], key=lambda size: int(size.replace(",", ""))):
        times = [f"{results['seconds'][size][phase] * 1e9:,.0f}" for phase in ("forward", "backward", "total")]
        room = [f"{results['bytes'][size][kind]:,.0f}" for kind in ("held", "peak")]
        rows.append([size, *times, f"{results['ratios'][size]:.2f}", *room])
    return (
        "One graph, time and memory for each operation, the collector on; the total includes freeing the graph:\n\n"
        f"{table(header, rows)}"
    )


def whole() -> dict[str, Any]:
    """Return the seconds of whole processes that train a network for fifty steps."""
    job = problems.network([2, 16, 16, 1], 100, "tanh", "half_squared_error", 0.0, 0.1)
    names = [name for name in workloads()["tanh"].contenders if name != "micro_value" and available(name)]
    jobs = {name: lambda name=name: whole_process(name, "step_tanh", job, 50) for name in names}
    agree({name: run() for name, run in jobs.items()}, "ours")
    times = alternate({name: lambda run=run: run() and None for name, run in jobs.items()}, 5, warm_up=0)
    return {
        "title": "Whole process: start, import, 50 full-batch steps of 2-16-16-1 (tanh), end; s",
        "repeats": 5,
        "seconds": {name: {"total": seconds} for name, seconds in medians(times).items()},
        "ratios": {ours: {name: ratio(times, ours, name) for name in names} for ours in OURS if ours in names},
    }


def written(results: dict[str, Any]) -> str:
    """Return the tables of everything measured so far."""
    parts = [comparison(work, results[name]) for name, work in workloads().items() if name in results]
    if "scaling" in results:
        parts.insert(2, scaling_table(results["scaling"]))
    if "whole process" in results:
        shape = Workload("", "", {}, (), 1, unit="s")
        parts.append(comparison(shape, results["whole process"]))
    return "\n\n".join(parts)


def quick(peers: Sequence[str]) -> dict[str, list[str]]:
    """Let ourselves and some peers solve small problems; return who took part in each, all having agreed."""
    return {name: list(measured(small(workload, peers))["seconds"]) for name, workload in workloads().items()}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", help="some of: " + ", ".join([*workloads(), "scaling", "whole process"]))
    parser.add_argument("--quick", action="store_true", help="check that ourselves and the peers named agree; no times")
    parser.add_argument(
        "--peers",
        nargs="*",
        default=["micrograd", "micro_value", "numpy_by_hand"],
        help="who takes part in the quick form",
    )
    arguments = parser.parse_args()
    if arguments.quick:
        for section, contenders in quick(arguments.peers).items():
            print(f"{section}: {', '.join(contenders)} agree")
        return
    jobs: dict[str, Callable[[], dict[str, Any]]] = {
        name: lambda workload=workload: measured(workload) for name, workload in workloads().items()
    }
    jobs |= {"scaling": scaling, "whole process": whole}
    for name in arguments.sections or jobs:
        record(name, jobs[name]())
        print(f"{name}: done")
    record("setting", setting())
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    write_section("eager", written(results))
    write_section("setting", versions(results))


def versions(results: dict[str, Any]) -> str:
    """Return the machine and the versions of everything that took part."""
    found = dict(results["setting"])
    for part in results.values():
        for of in part.get("versions", {}).values():
            found |= of
    return "; ".join(f"{name} {version}" for name, version in found.items()) + "."


if __name__ == "__main__":
    main()
