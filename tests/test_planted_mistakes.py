"""Mistakes planted in a right backward pass, one or two at a time, are diagnosed, and no others."""

import random

import numpy as np
import pytest

from tests.matrix_networks import LOSSES
from tests.planted_mistakes import SIGMA, Problem, mistakes, pairs, report_on

SAME = 1e-10  # relative to the largest entry: what the referee counts as the same numbers


def same(array, right):
    return array.shape == right.shape and np.abs(array - right).max() <= SAME * np.abs(right).max()


def claimed(report):
    """The mistakes that the first explanation of every wrong array names; a wrong δ counts once for both gradients."""
    wrong = [finding for finding in report.findings if finding.verdict == "wrong"]
    if not all(finding.explanations for finding in wrong):
        return [None] * 99
    return {mistake.text for finding in wrong for mistake in finding.explanations[0]}


def require_diagnosis(report, planted, context, *, with_delta=True):
    """Require the right diagnosis for each planted array, and no mistake anywhere else."""
    for finding in report.findings:
        kinds = planted.get((finding.array, finding.layer), ())
        if not with_delta:
            kinds = planted.get(("δ", finding.layer), ()) + kinds
        if not kinds:
            as_few = not with_delta and len(claimed(report)) <= sum(map(len, planted.values()))
            claims = finding.verdict == "wrong" and not as_few
            assert not claims, f"{context}: a mistake is claimed in {finding.name}\n{report}"
        elif finding.verdict == "wrong" and not finding.yours.any():  # whatever was planted, that is what shows
            assert finding.remark == "All of its entries are 0.", f"{context}: {finding.name} is not called 0\n{report}"
        elif finding.verdict == "wrong":
            shortest = min((len(explanation) for explanation in finding.explanations), default=99)
            found = any(set(kinds) <= {m.kind for m in explanation} for explanation in finding.explanations)
            if not with_delta:  # there another set of mistakes that is as small may give the same numbers
                found = found or len(claimed(report)) <= sum(map(len, planted.values()))
            assert found or shortest < len(kinds), f"{context}: {finding.name} is misdiagnosed\n{report}"
        elif finding.verdict == "right":
            assert same(finding.yours, finding.right), f"{context}: {finding.name} is called right\n{report}"


def planted_by(*chosen):
    planted = {}
    for array, layer, kind in chosen:
        planted[array, layer] = (*planted.get((array, layer), ()), kind)
    return planted


PROBLEMS = [(depth, activation, loss) for depth in (1, 2, 3, 4) for activation in SIGMA for loss in LOSSES]
SAMPLE = PROBLEMS[::31]  # every depth, activation and loss, in changing combinations


def check_samples(depth, activation, loss, sample, *, count, seed):
    p = Problem(depth, activation, loss, l2=0.3, seed=seed)
    choices = list(sample(p))
    for mistakes_chosen in random.Random(seed + depth).sample(choices, min(count, len(choices))):
        planted = planted_by(*mistakes_chosen)
        for with_delta in (True, False):
            report = report_on(p, planted, with_delta=with_delta)
            context = f"{mistakes_chosen} in {depth} layers, {activation}, {loss}, seed {seed}, δ {with_delta}"
            require_diagnosis(report, planted, context, with_delta=with_delta)


def singles(p):
    return ((mistake,) for mistake in mistakes(p))


@pytest.mark.parametrize(("depth", "activation", "loss"), SAMPLE)
def test_a_single_mistake_is_diagnosed(depth, activation, loss):
    check_samples(depth, activation, loss, singles, count=2, seed=0)


@pytest.mark.parametrize(("depth", "activation", "loss"), SAMPLE)
def test_a_pair_of_mistakes_is_diagnosed_array_by_array(depth, activation, loss):
    check_samples(depth, activation, loss, pairs, count=1, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "activation", "loss"), PROBLEMS)
def test_many_single_mistakes_are_diagnosed(depth, activation, loss):
    check_samples(depth, activation, loss, singles, count=4, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize(("depth", "activation", "loss"), PROBLEMS)
def test_many_pairs_of_mistakes_are_diagnosed(depth, activation, loss):
    check_samples(depth, activation, loss, pairs, count=2, seed=2)
