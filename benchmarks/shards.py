"""What a step costs on data in shards: here, in processes, and on a Dask cluster of this machine.

    python benchmarks/shards.py

needs threadpoolctl and distributed, and writes its section into docs/cluster.md.
"""

from __future__ import annotations

import harness  # isort: skip  # limits the threads before NumPy is loaded

import concurrent.futures
import functools
import importlib
import multiprocessing
import sys
from typing import Any

import numpy as np

sys.path.insert(0, str(harness.ROOT))
import autograd
import nn

WORKERS, SHARDS, ROWS, REPEATS = 2, 4, 500, 60


@functools.cache
def load(shard: int, rows: int) -> dict[str, Any]:
    """Return the rows of one shard."""
    rng = np.random.default_rng(shard)
    return {"x": rng.normal(size=(rows, 64)), "t": np.eye(10)[rng.integers(0, 10, rows)]}


def main() -> None:
    """Measure and write the section."""
    distributed: Any = importlib.import_module("distributed")  # only who measures needs it

    model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
    program = autograd.compile(lambda x, t: nn.cross_entropy(model(x), t), parameters=model)
    program.value(**load(0, 2))
    rows = []
    with (
        concurrent.futures.ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as processes,
        distributed.LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        for count in (ROWS, 50 * ROWS):
            shards = [functools.partial(load, shard, count) for shard in range(SHARDS)]
            ways = {"here": map, "processes": processes.map, "Dask": client.get_executor(retries=3, pure=False).map}
            jobs = {name: program.sharded(shards, map=way).backward for name, way in ways.items()}
            harness.agree({name: [job()] for name, job in jobs.items()}, "here")
            timed = {name: functools.partial(_call, job) for name, job in jobs.items()}
            times = harness.medians(harness.alternate(timed, repeats=REPEATS, warm_up=5))
            rows.append([f"{SHARDS * count:,} examples", *(f"{1e3 * times[name]:.1f} ms" for name in ways)])
    harness.record("shards", {"rows": rows})
    headings = ["", "this process", f"{WORKERS} processes", f"Dask, {WORKERS} workers"]
    harness.write_section("shards", harness.table(headings, rows), harness.ROOT / "docs" / "cluster.md")


def _call(job: Any) -> None:
    job()


if __name__ == "__main__":
    main()
