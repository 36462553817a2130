"""Compare the engine with every peer: `python benchmarks/run.py`, or `… run.py chains digits` for some sections only.

It makes the peers' environments, checks that all agree, takes the times in turn, and writes `benchmarks/results.json`
and the tables of `docs/performance.md`. `--quick` does small problems with ourselves and the peers that need little
installed, checks that they agree, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from harness import RESULTS, record, setting, table, write_section
from measure import comparison, measured
from programme import small, workloads
from sections import SECTIONS

PLACES = {
    "eager": ("chains", "long chain", "scaling", "hessian"),
    "steps": tuple(f"{name}{kind}" for name in ("tanh", "relu", "digits") for kind in ("", ", arrays")),
    "compile": ("compile time",),
    "processes": ("whole process", "main job", "pictures"),
}
"""Which results stand in which section of the document."""


def written(results: dict[str, Any], names: Sequence[str]) -> str:
    """Return the tables of what has been measured of some sections."""
    shown = workloads()
    parts = [
        comparison(shown[name], results[name]) if name in shown else SECTIONS[name][1](results[name])
        for name in names
        if name in results
    ]
    return "\n\n".join(parts)


def quick(peers: Sequence[str]) -> dict[str, list[str]]:
    """Let ourselves and some peers solve small problems; return who took part in each, all having agreed."""
    return {name: list(measured(small(workload, peers))["seconds"]) for name, workload in workloads().items()}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", help="some of: " + ", ".join([*workloads(), *SECTIONS]))
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
        name: partial(measured, workload) for name, workload in workloads().items()
    }
    jobs |= {name: measure for name, (measure, _) in SECTIONS.items()}
    for name in arguments.sections or jobs:
        record(name, jobs[name]())
        print(f"{name}: done", flush=True)
    record("setting", setting())
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    write_section("setting", versions(results))
    for place, names in PLACES.items():
        write_section(place, written(results, names))


def versions(results: dict[str, Any]) -> str:
    """Return the machine and the versions of everything that took part."""
    found = dict(results["setting"])
    for part in results.values():
        for of in part.get("versions", {}).values():
            found |= of
    return table(["measured with", ""], [[f"{name}", f"{value}"] for name, value in found.items()])


if __name__ == "__main__":
    main()
