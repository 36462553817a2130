"""What training costs: `nn.fit` beside a bare loop over its program, and beside scikit-learn's MLPClassifier.

Each job makes its network, compiles, and trains it for some epochs; its time is the processor's. A bare loop draws the
order, takes the batches and steps, and does nothing else: no history, no accuracy, no checks. scikit-learn has the same
sizes, batches, rates and number of epochs. The bare loop has to end at the weights of `fit` before anything is timed.

Then, for the digits' network: a gradient over many rows in blocks and in one, the product with the Hessian beside a
gradient, 200 iterations of L-BFGS-B, an evaluation, and the training of `python -m nn digits`.

    python benchmarks/training.py            # on the screen, in results.json and in docs/performance.md
    python benchmarks/training.py --quick    # on the screen, few rounds
"""

from __future__ import annotations

# before NumPy, because it limits the threads
from harness import agree, alternate, medians, ratio, record, setting, table, write_section

# isort: split
import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import nn
from autograd import Program, compile
from autograd.lift.run import blocks
from nn.commands import digits
from nn.data import Dataset, load_digits, load_iris

ROUNDS = 9
BATCH, MOMENTUM, ADAM = 32, 0.9, 0.001
HELD_OUT = 0.25


class Problem(NamedTuple):
    """A data set with a network for it, and the rate and length of its training."""

    data: Dataset
    hidden: int
    rate: float
    epochs: int


PROBLEMS = {
    "digits, 64-30-10, 12 epochs": Problem(load_digits(), 30, 0.1, 12),
    "iris, 4-10-3, 60 epochs": Problem(load_iris(), 10, 0.05, 60),
}


def started(problem: Problem) -> nn.MLP:
    """Return a new network for a problem."""
    data = problem.data
    return nn.MLP(data.X.shape[1], [problem.hidden, data.n_classes], activation="tanh", seed=0)


def rule_of(problem: Problem, name: str) -> Any:
    """Return the rule of a step."""
    return nn.SGDRule(problem.rate, momentum=MOMENTUM) if name == "sgd" else nn.AdamRule(ADAM)


def bare(problem: Problem, name: str) -> nn.MLP:
    """Train in the shortest loop over the program, and return the network."""
    model = started(problem)
    X, T = problem.data.X, problem.data.T
    program = compile(lambda x, t: nn.cross_entropy(model(x), t), parameters=model)
    rule = rule_of(problem, name)
    rng = np.random.default_rng(0)
    state: Any = None
    for _ in range(problem.epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), BATCH):
            rows = order[start : start + BATCH]
            program.backward(x=X[rows], t=T[rows])
            state = rule.init(program.flat) if state is None else state
            step, state = rule.update(program.flat_gradient, state, program.flat)
            program.flat += step
    program.push()
    return model


def fitted(problem: Problem, name: str, **options: Any) -> nn.MLP:
    """Train with `nn.fit`, and return the network."""
    model = started(problem)
    nn.fit(
        model,
        problem.data.X,
        problem.data.T,
        loss="cross_entropy",
        optimizer=nn.Optimizer(model.parameters(), rule_of(problem, name)),
        epochs=problem.epochs,
        batch_size=BATCH,
        seed=0,
        progress=False,
        **options,
    )
    return model


def by_scikit_learn(problem: Problem, name: str) -> Any:
    """Train scikit-learn's network, and return it."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        (problem.hidden,),
        activation="tanh",
        solver=name,
        alpha=0.0,
        batch_size=BATCH,
        learning_rate_init=problem.rate if name == "sgd" else ADAM,
        momentum=MOMENTUM,
        nesterovs_momentum=False,
        max_iter=problem.epochs,
        tol=0.0,
        n_iter_no_change=problem.epochs,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it would like to go on
        return network.fit(problem.data.X, problem.data.y)


def timed(job: Callable[[], Any]) -> Callable[[], float]:
    """Return the job that gives the processor time of another."""

    def run() -> float:
        begin = time.process_time()
        job()
        return time.process_time() - begin

    return run


def jobs_of(problem: Problem) -> dict[str, Callable[[], float]]:
    """Return the jobs to be timed, by name."""
    held_out = problem.data.subset(np.arange(0, len(problem.data), round(1 / HELD_OUT)))
    options = {"l2": 1e-4, "max_norm": 5.0, "validation": (held_out.X, held_out.T)}
    jobs: dict[str, Callable[[], Any]] = {"all options": lambda: fitted(problem, "sgd", **options)}
    for name in ("sgd", "adam"):
        jobs[f"bare {name}"] = partial(bare, problem, name)
        jobs[f"fit {name}"] = partial(fitted, problem, name)
        jobs[f"scikit-learn {name}"] = partial(by_scikit_learn, problem, name)
    return {name: timed(job) for name, job in jobs.items()}


def compared(problem: Problem, rounds: int) -> dict[str, Any]:
    """Return the medians and the ratios of a problem."""
    for name in ("sgd", "adam"):
        ends = {"bare": bare(problem, name), "fit": fitted(problem, name)}
        agree({which: _numbers(model) for which, model in ends.items()}, "bare")
    found = alternate(jobs_of(problem), rounds)
    ratios = {f"fit / bare, {name}": ratio(found, f"fit {name}", f"bare {name}") for name in ("sgd", "adam")}
    ratios |= {
        f"fit / scikit-learn, {name}": ratio(found, f"fit {name}", f"scikit-learn {name}") for name in ("sgd", "adam")
    }
    ratios["all options / bare"] = ratio(found, "all options", "bare sgd")
    return {"seconds": medians(found), "ratios": ratios}


def many_rows(count: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of a gradient over many rows, in blocks and in one, and their ratio."""
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(count, 64)), nn.one_hot(rng.integers(0, 10, count), 10)
    program, _ = digits_program()
    whole, _ = digits_program()
    run = partial(program.backward, x=X, t=T)

    def in_one() -> float:
        blocks.BLOCK = count
        try:
            return whole.backward(x=X, t=T)
        finally:
            blocks.BLOCK = usual

    usual = blocks.BLOCK
    agree({"blocks": [run(), *program.flat_gradient], "one": [in_one(), *whole.flat_gradient]}, "one")
    found = alternate({"blocks": timed(run), "one": timed(in_one)}, rounds)
    return {"seconds": medians(found), "ratio": ratio(found, "blocks", "one")}


def digits_program() -> tuple[Program, nn.MLP]:
    """Return the compiled loss of the digits' network, which has run, and the network."""
    data = load_digits()
    model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
    program = compile(lambda x, t: nn.cross_entropy(model(x), t), parameters=model)
    program.backward(x=data.X[:8], t=data.T[:8])
    return program, model


def curvature(rows: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of a gradient and of a product with the Hessian, and their ratio."""
    data = load_digits()
    X, T = data.X[:rows], data.T[:rows]
    program, _ = digits_program()
    direction = np.random.default_rng(0).normal(size=program.flat.size)
    times = 1 + 3000 // rows

    def gradient() -> None:
        for _ in range(times):
            program.backward(x=X, t=T)

    def product() -> None:
        for _ in range(times):
            program.hvp(direction, x=X, t=T)

    found = alternate({"product": timed(product), "gradient": timed(gradient)}, rounds)
    seconds = {name: value / times for name, value in medians(found).items()}
    return {"seconds": seconds, "ratio": ratio(found, "product", "gradient")}


def at_once(rounds: int) -> dict[str, float]:
    """Return the seconds of jobs on the digits.

    They are 200 iterations of L-BFGS-B, compiling included, an evaluation, and the training of `python -m nn digits`.
    """
    data = load_digits()

    def minimised() -> None:
        model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
        nn.minimize(model, data.X, data.T, loss="cross_entropy", l2=1e-4, iterations=200, progress=False)

    model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
    evaluated = partial(nn.evaluate, model, data.X, data.T, loss="cross_entropy")
    jobs: dict[str, Callable[[], Any]] = {
        "L-BFGS-B": minimised,
        "evaluate": evaluated,
        "main job": lambda: digits.training(*digits.start()),
    }
    return medians(alternate({name: timed(job) for name, job in jobs.items()}, rounds))


def _numbers(model: nn.MLP) -> list[float]:
    return [leaf.data for leaf in model.parameters()]


def shown(results: dict[str, Any]) -> str:
    """Return the tables of everything that was measured."""
    parts = []
    for name, found in results["problems"].items():
        seconds, ratios = found["seconds"], found["ratios"]
        rows = [
            [
                {"sgd": "SGD with momentum", "adam": "Adam"}[rule],
                *(f"{seconds[f'{which} {rule}'] * 1e3:.0f}" for which in ("bare", "fit", "scikit-learn")),
                f"{ratios[f'fit / bare, {rule}']:.2f}",
                f"{ratios[f'fit / scikit-learn, {rule}']:.2f}",
            ]
            for rule in ("sgd", "adam")
        ]
        header = [name, "bare loop, ms", "`fit`, ms", "scikit-learn, ms", "`fit` / bare", "`fit` / scikit-learn"]
        parts.append(table(header, rows))
        parts.append(
            f"With `l2`, `max_norm` and validation together: {seconds['all options'] * 1e3:.0f} ms, "
            f"{ratios['all options / bare']:.2f} times the bare loop."
        )
    rows = [
        [
            f"gradient of {count} rows, in blocks",
            f"{each['seconds']['blocks'] * 1e3:.0f}",
            f"{each['ratio']:.2f}, in one",
        ]
        for count, each in results["rows"].items()
    ]
    rows += [
        [
            f"product with the Hessian, {n} rows",
            f"{each['seconds']['product'] * 1e3:.2f}",
            f"{each['ratio']:.2f}, a gradient",
        ]
        for n, each in results["curvature"].items()
    ]
    rows += [
        ["200 iterations of L-BFGS-B, 1,797 rows", f"{results['at once']['L-BFGS-B'] * 1e3:.0f}", "—"],
        [
            "training of `python -m nn digits`, 64-30-10, 1,347 rows",
            f"{results['at once']['main job'] * 1e3:.0f}",
            "—",
        ],
        ["`nn.evaluate`, 1,797 rows", f"{results['at once']['evaluate'] * 1e3:.1f}", "—"],
    ]
    parts.append(table(["64-30-10", "ms", "as a part of"], rows))
    return "\n\n".join(parts)


def main() -> None:
    """Measure, print and keep everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds, and keep nothing")
    arguments = parser.parse_args()
    rounds = 3 if arguments.quick else ROUNDS
    results: dict[str, Any] = {
        "setting": setting(("numpy", "scikit-learn", "scipy")),
        "rows": {f"{count:,}": many_rows(count, 1 + rounds // 3) for count in (100_000, 1_000_000)},
        "curvature": {f"{n:,}": curvature(n, rounds) for n in (32, 1797)},
        "at once": at_once(rounds),
        "problems": {name: compared(problem, rounds) for name, problem in PROBLEMS.items()},
    }
    print(shown(results))
    if not arguments.quick:
        record("training", results)
        write_section("training", shown(results))


if __name__ == "__main__":
    main()
