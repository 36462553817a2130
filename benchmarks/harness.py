"""Measuring side by side: one thread, alternating repeats, medians, ratios, and where the numbers go.

A script that measures imports this module before NumPy, because importing it limits the numerical libraries to one
thread. It then takes three steps:

    times = alternate({"ours": run_ours, "numpy": run_numpy}, repeats=30)     # seconds of each call, in turn
    record("compile", {"times": medians(times)})                               # kept in benchmarks/results.json
    write_section("compile", table(["", "µs"], rows))                          # between two comments in the document

`alternate` calls the jobs one after the other, again and again, so that whatever else the machine does hits all of them
alike; what is reported are medians and, between two contenders, the median of the ratios within each round. A job may
time itself and return the seconds (as those in other processes do); if it returns None, the call is timed here.

`agree` is called before anything is timed. Sections are found by the comments `<!-- name: begin -->` and
`<!-- name: end -->`; text outside them is written by hand and left alone.
"""

from __future__ import annotations

import os

ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
) | {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "JAX_PLATFORMS": "cpu"}
os.environ.update(ONE_THREAD)

import json  # noqa: E402  # after the limits, as everything that may load NumPy
import math  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterable, Mapping, Sequence  # noqa: E402
from importlib.metadata import PackageNotFoundError, version  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

__all__ = [
    "DOCUMENT",
    "ONE_THREAD",
    "RESULTS",
    "ROOT",
    "agree",
    "alternate",
    "medians",
    "ratio",
    "record",
    "setting",
    "table",
    "write_section",
]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
DOCUMENT = ROOT / "docs" / "performance.md"
AGREEMENT = 1e-9
"""How far results may lie apart, as a part of the largest entry: far above rounding, far below any wrong formula."""

Times = dict[str, list[float]]


def alternate(jobs: Mapping[str, Callable[[], float | None]], repeats: int, warm_up: int = 1) -> Times:
    """Return the seconds of `repeats` calls of each job, made in turn after `warm_up` rounds that do not count."""
    times: Times = {name: [] for name in jobs}
    for round_number in range(-warm_up, repeats):
        for name, job in jobs.items():
            start = time.perf_counter()
            own = job()
            seconds = time.perf_counter() - start if own is None else own
            if round_number >= 0:
                times[name].append(seconds)
    return times


def medians(times: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each contender's times."""
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def ratio(times: Mapping[str, Sequence[float]], ours: str, theirs: str) -> float:
    """Return the median over the rounds of our time as a part of theirs: below 1 means faster."""
    return statistics.median(a / b for a, b in zip(times[ours], times[theirs], strict=True))


def agree(results: Mapping[str, Iterable[float]], reference: str) -> None:
    """Raise a ValueError unless all results equal the reference's within 1e-9 of its largest entry.

    Args:
        results: What each contender computed for the same problem, flat.
        reference: The name of the one they are compared with.
    """
    wanted = list(results[reference])
    scale = max(1e-300, *map(abs, wanted))
    for name, result in results.items():
        got = list(result)
        if len(got) != len(wanted):
            raise ValueError(f"{name} returned {len(got)} numbers where {reference} returned {len(wanted)}")
        apart = [abs(g - w) if math.isfinite(g) else math.inf for g, w in zip(got, wanted, strict=True)]
        k = max(range(len(apart)), key=apart.__getitem__)
        if not apart[k] <= AGREEMENT * scale:
            raise ValueError(f"{name} and {reference} disagree at entry {k}: {got[k]!r} and {wanted[k]!r}")


def setting(packages: Iterable[str] = ("numpy",)) -> dict[str, str]:
    """Return the machine, the interpreter and the versions of installed packages."""
    found = {
        "machine": _processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "threads": "1",
    }
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """Return the processor's name, its clock included: the kernel's word on Linux, `platform`'s elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    return f"{facts.get('model name', platform.machine())}, {os.cpu_count()} CPUs, {facts.get('cpu MHz', '?')} MHz"


def record(section: str, results: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Keep results under a name in the JSON file, beside those of other scripts."""
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept[section] = results
    path.write_text(json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table with the first column to the left and the others to the right."""
    lines = [header, [":--", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def write_section(name: str, markdown: str, path: Path = DOCUMENT) -> None:
    """Put text between the comments that begin and end a section of the document.

    Raises:
        ValueError: If the document has no such section.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{path.name} needs the lines {begin} and {end} around the section {name}")
    path.write_text(f"{before}{begin}\n{markdown.strip()}\n{end}{after}", encoding="utf-8")
