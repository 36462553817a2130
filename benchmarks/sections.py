"""The sections that are more than one workload side by side: growth, compilation, pictures, whole processes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import problems
from contender import OURS, Contender, whole_process
from harness import ROOT, agree, alternate, medians, ratio, table
from measure import available, comparison, measured
from programme import NAMES, Workload, workloads

__all__ = ["SECTIONS"]


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
        "One graph, processor time and memory for each operation, the collector on; the total includes freeing the "
        f"graph:\n\n{table(header, rows)}"
    )


def whole() -> dict[str, Any]:
    """Return the seconds of whole processes that train a network for fifty steps."""
    job = problems.network([2, 16, 16, 1], 100, "tanh", "half_squared_error", 0.0, 0.1)
    names = [name for name in workloads()["tanh"].contenders if name != "micro_value" and available(name)]
    jobs = {name: partial(whole_process, name, "step_tanh", job, 50) for name in names}
    agree({name: run() for name, run in jobs.items()}, "ours")
    times = alternate({name: partial(_unanswered, run) for name, run in jobs.items()}, 5, warm_up=0)
    return {
        "title": "Whole process: start, import, 50 full-batch steps of 2-16-16-1 (tanh), end; s",
        "repeats": 5,
        "seconds": {name: {"total": seconds} for name, seconds in medians(times).items()},
        "ratios": {ours: {name: ratio(times, ours, name) for name in names} for ours in OURS if ours in names},
    }


def _unanswered(run: Callable[[], object]) -> None:
    """Run a job whose answer is not wanted, so that `alternate` times it."""
    run()


def whole_table(results: dict[str, Any]) -> str:
    """Return the table of whole processes."""
    return comparison(Workload("", "", {}, (), 1, unit="s"), results)


def compile_times() -> dict[str, Any]:
    """Return the seconds from a function of one example to the first step, for networks of several sizes."""
    sizes = {
        "2-16-16-1": problems.network([2, 16, 16, 1], 100, "tanh", "half_squared_error", 0.0, 0.1),
        "64-30-10": problems.network([64, 30, 10], 32, "sigmoid", "half_squared_error", 0.0, 0.1),
        "784-30-10": problems.network([784, 30, 10], 10, "sigmoid", "half_squared_error", 0.0, 0.1),
        "784-100-10": problems.network([784, 100, 10], 10, "sigmoid", "half_squared_error", 0.0, 0.1),
    }
    tools = ("compiled", "jax", "casadi")
    return {
        size: measured(Workload(size, "compile_time", problem, tools, 5), reference="compiled")
        for size, problem in sizes.items()
    }


def compile_table(results: dict[str, Any]) -> str:
    """Return the table of compile times."""
    tools = [name for name in ("compiled", "jax", "casadi") if name in next(iter(results.values()))["seconds"]]
    rows = []
    for size, found in sorted(results.items(), key=lambda item: item[1]["seconds"]["compiled"]["total"]):
        times = [f"{found['seconds'][name]['total'] * 1e3:,.0f}" for name in tools]
        rows.append([size, *times, *(f"{found['ratios']['compiled'][name]:.2f}" for name in tools[1:])])
    header = [
        "network",
        *(f"{NAMES[name]}, ms" for name in tools),
        *(f"compiled / {NAMES[n]}" for n in tools[1:]),
    ]
    return (
        "From a function of one example to the first step: recording, differentiating, compiling (ours: also checking "
        f"the program against the engine):\n\n{table(header, rows)}"
    )


def pictures() -> dict[str, Any]:
    """Return the seconds to draw graphs of several sizes."""
    widths = {"300 Values": 13, "1,300 Values": 32, "4,000 Values": 59}
    found = {}
    with Contender("ours") as ours:
        for name, width in widths.items():
            ours.prepare(name, "picture", {"width": width})
            runs = [ours.time(name) for _ in range(3)]
            found[name] = {phase: sorted(run[phase] for run in runs)[1] for phase in runs[0]}
    return {"seconds": found}


def pictures_table(results: dict[str, Any]) -> str:
    """Return the table of times to picture."""
    found = results["seconds"]
    first = min(found, key=lambda name: found[name]["total"])
    kinds = ("html", "svg")
    rows = []
    for name in sorted(found, key=lambda name: found[name]["total"]):
        times = [f"{found[name][kind]:.2f}" for kind in kinds]
        rows.append([name, *times, *(f"{found[name][kind] / found[first][kind]:.1f}" for kind in kinds)])
    header = ["graph", "HTML, s", "SVG, s", "HTML, times the first", "SVG, times the first"]
    return (
        "Time to picture (`viz.to_html`. `viz.draw` to SVG with every Value as a "
        f"box, in the layout that is built in):\n\n{table(header, rows)}"
    )


def main_job() -> dict[str, Any]:
    """Return the seconds of `python -m nn digits` as a whole process."""
    seconds = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            at = time.perf_counter()
            command = [sys.executable, "-m", "nn", "digits", "--out", folder]
            subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
            seconds.append(time.perf_counter() - at)
    return {"seconds": sorted(seconds)}


def main_job_table(results: dict[str, Any]) -> str:
    """Return a sentence on the main job."""
    seconds = results["seconds"]
    return (
        "The main job, `python -m nn digits`, as a whole process (64-30-10 trained on 1,797 digits, its gradients "
        f"checked three ways, a picture drawn): {seconds[len(seconds) // 2]:.0f} s (median of {len(seconds)})."
    )


SECTIONS: dict[str, tuple[Callable[[], dict[str, Any]], Callable[[dict[str, Any]], str]]] = {
    "scaling": (scaling, scaling_table),
    "whole process": (whole, whole_table),
    "compile time": (compile_times, compile_table),
    "pictures": (pictures, pictures_table),
    "main job": (main_job, main_job_table),
}
"""How each section is measured, and how it is shown."""
