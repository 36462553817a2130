"""Data in shards give the loss and gradient of all rows, with bits that do not depend on who computes what."""

import concurrent.futures
import functools
import math
import multiprocessing
import os
import re

import numpy as np
import pytest

import autograd
import nn
from autograd import DomainError, Value
from tests.page_blocks import run_python_blocks

pytestmark = pytest.mark.extra
pytest.importorskip("threadpoolctl", reason="sharded needs threadpoolctl")

SPAWN = multiprocessing.get_context("spawn")  # forking a process that has threads is a warning from Python 3.12 on
ROUNDING = 1e-14  # the rows are added up in another order


def network(reduce="mean"):
    model = nn.MLP(4, [5, 3], activation="tanh", seed=0)
    program = autograd.compile(lambda x, t: nn.cross_entropy(model(x), t), parameters=model, reduce=reduce)
    X, T = rows(0)["x"], rows(0)["t"]
    program.value(x=X[:2], t=T[:2])
    return program


def rows(seed, count=7):
    rng = np.random.default_rng(seed)
    return {"x": rng.normal(size=(count, 4)), "t": np.eye(3)[rng.integers(0, 3, count)]}


LOADERS = [functools.partial(rows, seed, count) for seed, count in ((1, 7), (2, 1), (3, 12), (4, 5), (5, 9))]


@pytest.mark.parametrize("reduce", ["mean", "sum"])
def test_shards_together_are_the_whole(reduce):
    program = network(reduce)
    shards = [load() for load in LOADERS]
    whole = {name: np.concatenate([shard[name] for shard in shards]) for name in ("x", "t")}
    loss, gradients = program.value_and_grad(**whole)
    for given in (shards, LOADERS, [shards[0], *LOADERS[1:]]):
        sharded = program.sharded(given)
        value, found = sharded.value_and_grad()
        assert math.isclose(value, loss, rel_tol=ROUNDING)
        assert sharded.value() == value
        for name, gradient in gradients.items():
            np.testing.assert_allclose(found[name], gradient, atol=ROUNDING * max(1.0, abs(gradient).max()), rtol=0)


def test_the_bits_do_not_depend_on_the_number_of_workers():
    program = network()
    expected = program.sharded(LOADERS).value_and_grad()
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        found = [program.sharded(LOADERS, map=threads.map).value_and_grad() for _ in range(5)]
    for workers in (1, 3):
        with concurrent.futures.ProcessPoolExecutor(workers, SPAWN) as processes:
            found.append(program.sharded(LOADERS, map=processes.map).value_and_grad())
    for loss, gradients in found:
        assert loss == expected[0]
        assert all(np.array_equal(gradients[name], array) for name, array in expected[1].items())


def test_a_step_uses_the_parameters_of_now():
    program = network()
    sharded = program.sharded(LOADERS)
    before = sharded.backward()
    assert np.any(program.flat_gradient)
    program.flat -= 0.1 * program.flat_gradient
    assert sharded.value() < before


def fails():
    raise OSError("the disk is gone")


@pytest.mark.parametrize(
    ("shards", "error", "message"),
    [
        ([], ValueError, "at least one shard"),
        ([3], TypeError, "shard 0 must be a dict of arrays or a function"),
        ([{"x": [1.0, 2.0, 3.0, 4.0], "t": [[1.0, 0.0, 0.0]]}], ValueError, r"shape \(N, length\) with one N"),
        ([{}], TypeError, "dict of arrays"),
        ([fails], OSError, "the disk is gone"),
        ([rows(0), {"x": rows(0)["x"]}], TypeError, "'t' is missing"),
    ],
)
def test_what_is_no_shard_is_refused(shards, error, message):
    program = network()
    before = program.flat.copy()
    with pytest.raises(error, match=message):
        program.sharded(shards).value_and_grad()
    assert np.array_equal(program.flat, before)


def test_an_error_in_a_process_says_which_shard_it_was():
    w = Value(1.0, "w")
    program = autograd.compile(lambda x: autograd.log(w * x[0]), parameters=[w])
    program.value(x=[[1.0]])
    with (
        concurrent.futures.ProcessPoolExecutor(1, SPAWN) as processes,
        pytest.raises(DomainError, match="log needs") as raised,
    ):
        program.sharded([{"x": [[2.0]]}, {"x": [[3.0], [-1.0]]}], map=processes.map).value_and_grad()
    assert "in shard 1" in raised.value.__notes__


def trained(map=None, **options):
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(1100, 4)), np.eye(3)[rng.integers(0, 3, 1100)]
    model = nn.MLP(4, [5, 3], activation="tanh", seed=0)
    if "method" in options:
        history = nn.minimize(model, X, T, loss="cross_entropy", progress=False, map=map, **options)
    else:
        sgd = nn.SGD(model.parameters(), learning_rate=0.5, momentum=0.9)
        history = nn.fit(model, X, T, loss="cross_entropy", optimizer=sgd, seed=0, progress=False, map=map, **options)
    return [p.data for p in model.parameters()], history


@pytest.mark.parametrize("options", [{"epochs": 3, "batch_size": 600}, {"method": "L-BFGS-B", "iterations": 8}])
def test_training_takes_a_map_whose_workers_do_not_change_the_bits(options):
    here, history = trained(map, **options)
    alone, expected = trained(None, **options)
    np.testing.assert_allclose(here, alone, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(history.accuracy, expected.accuracy)
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        assert trained(threads.map, **options)[0] == here


def test_a_batch_is_cut_for_a_map():
    sizes = []

    def counting(call, tasks):
        sizes.append([len(task.shard["x"]) for task in tasks])
        return map(call, tasks)

    trained(counting, epochs=1, batch_size=600)
    assert sizes == [[256, 256, 88], [256, 244]]


def test_a_map_goes_with_the_compiled_engine():
    with pytest.raises(ValueError, match='map goes with engine="compiled"'):
        trained(map, epochs=1, batch_size=10, engine="eager")
    for options in ({"epochs": 1, "batch_size": 10}, {"method": "CG"}):
        with pytest.raises(TypeError, match="map must be a function"):
            trained(3, **options)


def test_the_page_on_clusters_says_what_it_prints(capsys):
    run_python_blocks("cluster.md")
    before, after, trained_to = re.findall(r"\d\.\d{6}", capsys.readouterr().out)
    assert float(trained_to) < float(after) < float(before)


def killer(flag, seed):
    """Load rows, but the first time anybody does, die in the middle."""
    try:
        os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return rows(seed)
    os._exit(9)


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_bits(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the test starts a cluster of Dask")
    program = network()
    shards = [functools.partial(killer, str(tmp_path / "died"), seed) for seed in range(6)]
    expected = program.sharded([functools.partial(rows, seed) for seed in range(6)]).value_and_grad()
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        loss, gradients = program.sharded(shards, map=client.get_executor(retries=3).map).value_and_grad()
    assert (tmp_path / "died").exists()
    assert loss == expected[0]
    assert all(np.array_equal(gradients[name], array) for name, array in expected[1].items())
