"""Small losses in the way people write them, with every kind of branch and every way of reading a number.

Each entry is a function of parameters, an input of three members and a target of one. `COMPILED` can be compiled;
`REFUSED` cannot, and the error has to say why.
"""

# ruff: noqa: ARG001  # all take the same arguments, whether they use them or not

from __future__ import annotations

import bisect
import copy
import functools
import itertools
import json
import math
import random
import statistics
import time
import uuid
from collections import Counter, defaultdict

import numpy as np

import autograd as ag
from autograd import DomainError, Value, affine, no_grad, total

COMPILED = {}
REFUSED = {}


def compiled(function):
    COMPILED[function.__name__] = function
    return function


def refused(match):
    def enter(function):
        REFUSED[function.__name__] = (function, match)
        return function

    return enter


# --- branches -------------------------------------------------------------------------------------


@compiled
def branch_on_an_input(w, x, t):
    return w[0] * x[0] if x[0] > 0 else -3.0 * w[0] * x[0]


@compiled
def branch_on_data(w, x, t):
    return w[0] * x[0] if x[0].data > 0 else -3.0 * w[0] * x[0]


@compiled
def two_signs_that_decide_together(w, x, t):
    return w[0] * x[0] * x[1] if (x[0] > 0) == (x[1] > 0) else 100.0 * w[0] * w[0] + x[0]


@compiled
def if_elif_else(w, x, t):
    if x[0] < -1:
        return w[0] * w[1]
    if x[0] < 0:
        return w[1] * x[0]
    if x[0] <= 1:
        return w[2] * x[1] * x[1]
    return w[0] * x[0] + w[1]


@compiled
def early_return(w, x, t):
    z = affine(w, x, 0.0)
    if z < 0:
        return z * z
    if t[0] == 1:
        return ag.softplus(-z)
    return z + t[0]


@compiled
def nested_branches(w, x, t):
    if x[0] > x[1]:
        if x[1] > x[2]:
            return w[0] * x[0]
        return w[1] * x[1] if x[0] > x[2] else w[2] * x[2]
    return w[0] * w[1] * x[2]


@compiled
def interval(w, x, t):
    return w[0] * x[0] if -0.5 < x[0] < 0.5 else w[1] * x[0]


@compiled
def branch_on_a_weighted_input(w, x, t):
    z = affine(w, x, 0.1)
    return z if z > 0 else 0.01 * z


@compiled
def relu_by_hand(w, x, t):
    hidden = [w[k] * x[k] for k in range(3)]
    return sum(h if h > 0 else 0.0 * h for h in hidden) - t[0]


@compiled
def relu_by_max(w, x, t):
    return sum(max(w[k] * x[k], 0.0) for k in range(3)) + w[0]


@compiled
def clipped(w, x, t):
    z = w[0] * x[0] + w[1]
    return min(max(z, -1.0), 1.0) * w[2]


@compiled
def huber(w, x, t):
    e = w[0] * x[0] + w[1] - t[0]
    return 0.5 * e * e if abs(e) <= 1.0 else abs(e) - 0.5


@compiled
def pinball(w, x, t):
    e = t[0] - w[0] * x[0]
    return 0.9 * e if e >= 0 else -0.1 * e


@compiled
def cross_entropy_by_case(w, x, t):
    y = ag.sigmoid(affine(w, x, 0.0))
    return -ag.log(y) if t[0] == 1 else -ag.log(1 - y)


@compiled
def not_equal(w, x, t):
    return w[0] * x[0] if t[0] != 1 else w[1] * x[1]


@compiled
def member_of_a_tuple(w, x, t):
    return w[0] * x[0] if t[0] in (1, 2) else w[1] * x[1] * x[1]


@compiled
def list_equality(w, x, t):
    return w[0] * x[0] if t == [1.0] else w[1] * x[1]


@compiled
def array_equality(w, x, t):
    mask = np.array(t) == 1
    return w[0] * x[0] * float(mask[0]) + w[1] * x[1] * (1.0 - float(mask.sum()))


@compiled
def list_count(w, x, t):
    return w[0] * x[0] * x.count(1.0) + w[1] * t.count(1.0)


@compiled
def list_index(w, x, t):
    return w[x.index(1.0)] * x[1] if 1.0 in x else w[0] * x[0]


@compiled
def class_weight(w, x, t):
    return (w[0] * x[0] - t[0]) ** 2 * ((t[0] == 1) * 5 + 1)


@compiled
def any_and_all(w, x, t):
    if any(v > 1 for v in x):
        return w[0] * x[0]
    if all(v < 0 for v in x):
        return w[1] * x[1]
    return w[2] * x[2]


@compiled
def boolean_algebra(w, x, t):
    return w[0] * x[0] if (x[0] > 0 and x[1] > 0) or not x[2] > 0 else w[1] * x[2]


@compiled
def truth_of_a_number(w, x, t):
    return w[0] * x[0] if x[1].data else w[1] * x[2]


@compiled
def match_statement(w, x, t):
    match t[0].data:
        case 0.0:
            return w[0] * x[0]
        case 1.0:
            return w[1] * x[1]
    return w[2] * x[2]


@compiled
def walrus(w, x, t):
    return z * z if (z := w[0] * x[0] - x[1]) > 0 else w[1] * z


@compiled
def comparison_of_two_values(w, x, t):
    return w[0] * x[0] if w[0] * x[0] < w[1] * x[1] else w[1] * x[1]


@compiled
def comparison_of_parameters(w, x, t):
    return w[0] * x[0] if w[0] > w[1] else w[1] * x[1]


@compiled
def choice_by_a_parameters_data(w, x, t):
    return w[0] * x[0] if w[0].data > 0.5 else w[1] * x[1]


@compiled
def a_parameter_of_one_branch_only(w, x, t):
    return w[0] * x[0] if x[0] > 0 else w[1] * w[2]


@compiled
def comparisons_without_influence(w, x, t):
    seen = []
    seen.append(x[0] > 0)
    seen.append(x[1].data < x[2].data)
    return w[0] * x[0]


# --- sorting, counting, searching -------------------------------------------------------------------


@compiled
def median(w, x, t):
    return w[0] * sorted(x)[1]


@compiled
def sorted_by_a_key(w, x, t):
    order = sorted(range(3), key=lambda k: -x[k].data)
    return w[order[0]] * x[order[0]] + 0.5 * w[order[1]] * x[order[1]]


@compiled
def largest(w, x, t):
    return w[0] * max(x) - w[1] * min(x)


@compiled
def argmax(w, x, t):
    z = [w[k] * x[k] for k in range(3)]
    return z[int(np.argmax([v.data for v in z]))] * t[0]


@compiled
def numpy_sort(w, x, t):
    return w[0] * np.sort(np.array(x))[0] + w[1] * np.array(x).max()


@compiled
def count_of_positives(w, x, t):
    return w[0] * sum(v > 0 for v in x) + w[1] * x[0]


@compiled
def bisection(w, x, t):
    return w[bisect.bisect([-0.5, 0.5], x[0])] * x[1]


@compiled
def filtered(w, x, t):
    kept = [v for v in x if v > 0]
    return w[0] * sum(kept) / len(kept) if kept else w[1] * w[1]


@compiled
def first_that_is_positive(w, x, t):
    return w[0] * next((v for v in x if v.data > 0), 0.25)


@compiled
def statistics_median(w, x, t):
    return w[0] * statistics.median(v.data for v in x) + w[1] * x[0]


# --- reads ------------------------------------------------------------------------------------------


@compiled
def data_as_a_factor(w, x, t):
    return w[0] * x[0].data


@compiled
def detached_parameter(w, x, t):
    return w[0] * x[0] * w[0].detach()


@compiled
def data_of_a_parameter(w, x, t):
    return w[0] * x[0] * w[0].data + w[1].data


@compiled
def data_of_an_interior_node(w, x, t):
    z = affine(w, x, 0.2)
    return (z - z.data) * x[0] + z.data * w[1]


@compiled
def arithmetic_on_data(w, x, t):
    return w[0] * (x[0].data * 2 + 1 - x[1].data / 4) ** 2 + w[1] * -x[2].data + abs(x[0].data) * w[2]


@compiled
def functions_of_data(w, x, t):
    return w[0] * ag.exp(x[0].data * 0.1) + w[1] * ag.tanh(w[0].data) + np.sin(np.array([x[1], w[2] * x[2].data])).sum()


@compiled
def value_made_of_data(w, x, t):
    return w[0] * Value(x[0].data) + w[0] * Value(w[1].data * 2.0)


@compiled
def copied_leaf(w, x, t):
    return w[0] * copy.copy(w[1]) * copy.deepcopy(x[0])


@compiled
def under_no_grad(w, x, t):
    with no_grad():
        target = w[0] * x[0] + w[1] * x[1]
    return (w[2] * x[2] - target) ** 2


@compiled
def no_grad_as_a_decorator(w, x, t):
    @no_grad()
    def scale(v):
        return affine(w, v, 1.0).tanh() * w[0]

    return w[0] * x[0] * scale(x)


@compiled
def stop_gradient(w, x, t):
    z = w[0] * x[0]
    return z * ag.stop_gradient(z + w[1])


@compiled
def whole_number_as_an_index(w, x, t):
    return w[int(t[0].data)] * x[0]


@compiled
def table(w, x, t):
    table = [[w[0], w[1]], [w[2], w[0] * w[1]]]
    return table[int(x[0] > 0)][int(abs(x[1].data) > 0.5)] * x[2]


@compiled
def rounded(w, x, t):
    return w[0] * x[0] if round(x[0].data) == t[0] else w[1] * x[1]


@compiled
def floor_and_ceil(w, x, t):
    return w[math.floor(x[0].data) % 3] * x[1] + w[math.ceil(x[1].data) % 3] * math.trunc(x[2].data)


@compiled
def dictionary_by_class(w, x, t):
    return {0.0: w[0], 1.0: w[1], 2.0: w[2]}[t[0].data] * x[0]


@compiled
def set_of_classes(w, x, t):
    return w[0] * x[0] if t[0].data in {1.0, 2.0} else w[1] * x[0]


@compiled
def memo_dictionary(w, x, t):
    memo = {}

    def factor(k):
        if k not in memo:
            memo[k] = w[0] * k + 1.0
        return memo[k]

    return factor(t[0].data) * x[0] + factor(t[0].data) + factor(2.0)


@compiled
def text_of_a_class(w, x, t):
    return w[0] * x[0] if f"{t[0].data:.0f}" == "1" else w[1] * x[1]


@compiled
def float_of_a_class(w, x, t):
    return w[0] * x[0] * math.exp(float(t[0].data)) + w[1] * (t[0].data % 2)


@compiled
def counter_of_classes(w, x, t):
    counts = Counter(v.data for v in t)
    return w[0] * counts[1.0] + w[1] * x[0]


# --- loops and data structures -----------------------------------------------------------------------


@compiled
def while_loop(w, x, t):
    z, steps = w[0] * x[0], 0
    while abs(z) > 0.5 and steps < 5:
        z, steps = z * 0.5, steps + 1
    return z + w[1] * steps


@compiled
def for_with_break(w, x, t):
    s = w[0]
    for v in x:
        if v < 0:
            break
        s = s + w[1] * v
    else:
        s = s * w[2]
    return s


@compiled
def accumulator(w, x, t):
    s = Value(0.0)
    for k in range(3):
        s += w[k] * x[k]
    return (s - t[0]) ** 2


@compiled
def newton_iteration(w, x, t):
    root = abs(x[0]) + 1.0
    for _ in range(20):
        better = 0.5 * (root + (abs(x[0]) + w[0] * w[0]) / root)
        if abs(better - root) < 1e-3:
            break
        root = better
    return root * w[1]


@compiled
def run_lengths(w, x, t):
    return sum(w[len(list(group)) - 1] for _, group in itertools.groupby(x, key=lambda v: v.data > 0)) * x[0]


@compiled
def groups_by_sign(w, x, t):
    groups = defaultdict(list)
    for v in x:
        groups[v > 0].append(v)
    return w[0] * sum(groups[True], 0.5) + w[1] * sum(groups[False], 0.25)


@compiled
def numpy_object_array(w, x, t):
    return np.array(w) @ np.array(x) + (np.array(x) > 0).sum() * w[0]


@compiled
def numpy_mask(w, x, t):
    x = np.array(x)
    return total([w[0] * v for v in x[x > 0]]) + w[1] if (x > 0).any() else w[1] * w[1]


@compiled
def numpy_where(w, x, t):
    x = np.array(x)
    return (np.where(x > 0, x, 0.1 * x) * np.array(w)).sum()


@compiled
def numpy_maximum(w, x, t):
    return np.maximum(np.array(w) * np.array(x), 0.0).sum() + w[0]


@compiled
def reduced(w, x, t):
    return functools.reduce(lambda a, b: a * b if b > 0 else a + b, x, w[0])


@compiled
def recursion(w, x, t):
    def power(v, n):
        return v if n <= 1 or abs(v) > 2 else v * power(v, n - 1)

    return power(w[0] * x[0], 4)


@compiled
def gradient_inside(w, x, t):
    slope = ag.grad(lambda v: ag.tanh(w[0] * v) if v > 0 else w[1] * v * v)(x[0])
    return slope * slope + w[2]


@compiled
def outputs_of_a_branch(w, x, t):
    y = w[0] * x[0] if x[0] > 0 else w[1] * x[1]
    return (y - t[0]) ** 2, {"y": y, "more": [y * 2.0, x[2], 1.0]}


@compiled
def a_loss_that_is_a_number(w, x, t):
    return x[0].data * 2.0 + (w[0].data if x[1] > 0 else 1.0)


@compiled
def exception_of_ones_own(w, x, t):
    try:
        if x[0] < 0:
            raise KeyError
        return w[0] * x[0]
    except KeyError:
        return w[1] * x[1]


# --- what cannot be compiled ---------------------------------------------------------------------------


@refused(r"small_functions.py, line \d+: float\(\) or a function of plain numbers .* depends on a parameter")
def math_of_a_parameter(w, x, t):
    return w[0] * math.exp(w[0].data) * x[0]


@refused(r"small_functions.py, line \d+: float\(\)")
def float_of_a_weighted_input(w, x, t):
    return w[0] * float((w[0] * x[0]).data)


@refused(r"more than 64 different paths, by the choices in .*small_functions.py, line \d+")
def math_of_many_numbers(w, x, t):
    return w[0] * math.exp(x[0].data)


@refused(r"small_functions.py, line \d+: text needs the number")
def text_of_a_weighted_input(w, x, t):
    z = w[0] * x[0]
    return z if f"{z:.1f}" == "0.0" else w[1] * z


@refused(r"small_functions.py, line \d+: a key of a dictionary")
def memo_by_a_parameter(w, x, t):
    return {w[0].data: w[0]}[w[0].data] * x[0]


@refused(r"small_functions.py, line \d+: .* the function handles th")
def handled_domain_error(w, x, t):
    try:
        return w[0] * ag.log(x[0])
    except DomainError:
        return w[1] * x[1]


@refused(r"small_functions.py, line \d+: the function draws random numbers from the module random")
def dropout(w, x, t):
    return sum(w[k] * x[k] for k in range(3) if random.random() > 0.2) + w[0]


@refused(r"small_functions.py, line \d+: the function draws random numbers from numpy.random")
def numpy_noise(w, x, t):
    return w[0] * x[0] + float(np.random.normal())  # noqa: NPY002


_generator = np.random.default_rng(0)
_shuffler = random.Random(0)


@refused(r"small_functions.py, line \d+: the function draws random numbers from '_generator'")
def generator_noise(w, x, t):
    return w[0] * x[0] + _generator.normal()


@refused(r"small_functions.py, line \d+: the function draws random numbers from '_shuffler'")
def shuffled(w, x, t):
    order = [0, 1, 2]
    _shuffler.shuffle(order)
    return w[order[0]] * x[0]


_draw = random.Random(11).random


@refused(r"small_functions.py, line \d+: the function draws random numbers from '_draw'")
def drawn_by_a_method(w, x, t):
    return sum(w[k] * x[k] for k in range(3) if _draw() > 0.2) + w[0]


def _uniform(seed):
    generator = random.Random(seed)
    while True:
        yield generator.random()


_stream = _uniform(11)


@refused("takes items of '_stream'|draws random numbers from 'generator'")
def drawn_from_a_stream(w, x, t):
    return sum(w[k] * x[k] for k in range(3) if next(_stream) > 0.2) + w[0]


_masks = itertools.cycle([1, 1, 1, 1, 1, 0])


@refused("takes items of '_masks'")
def mask_from_a_cycle(w, x, t):
    return w[0] * x[0] * next(_masks) + w[1]


_system = random.SystemRandom()


@refused(r"small_functions.py, line \d+: the function draws random numbers from '_system'")
def drawn_from_the_system(w, x, t):
    return sum(w[k] * x[k] for k in range(3) if _system.random() > 0.2) + w[0]


@refused(r"small_functions.py, line \d+: the function draws random numbers from 'uuid4'")
def drawn_from_an_identifier(w, x, t):
    return w[0] * x[0] if uuid.uuid4().int % 5 else w[1] * x[1]


@refused(r"on the type of a number that it reads")
def asks_for_a_float(w, x, t):
    return w[0] * x[0] if isinstance(x[0].data, float) else w[1] * x[1]


@refused(r"on the type of a number that it reads")
def compares_types(w, x, t):
    return w[0] * x[0] if type(x[0].data) is float else w[1] * x[1]


_calls = itertools.count(1)


@refused("data outside the graph")
def counter(w, x, t):
    return w[0] * x[0] / next(_calls)


@refused("data outside the graph")
def the_time(w, x, t):
    return w[0] * x[0] * time.perf_counter()


@refused(r"small_functions.py, line \d+: an assignment")
def assignment(w, x, t):
    w[1].data = 2.0
    return w[0] * x[0]


@refused(r"small_functions.py, line \d+: backward")
def backward_inside(w, x, t):
    z = w[0] * x[0]
    z.backward()
    return z


@refused(r"small_functions.py, line \d+: this line works on numbers but cannot be recorded")
def json_text(w, x, t):
    return w[0] * len(json.dumps([x[0].data]))
