"""Reading: from a function that is wrong to the lines that are."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..submission import Submission
from .correction import Reading
from .guard import Deadline, Halt, Refused, faults, guarded, is_strict, passed_over, seeded, told_fault
from .probes import Probe, readable
from .repair import repaired
from .telling import corrections
from .watch import Watch, functions_in

__all__ = ["read"]


def read(own: Probe, submission: Submission, seconds: float) -> Reading:
    """Return what is wrong in the code of a function that gave wrong arrays.

    Args:
        own: The user's network and batch, and how the function is called.
        submission: What it gave there.
        seconds: The processor time that reading may take.
    """
    start = time.thread_time()
    deadline = Deadline(seconds)
    try:
        with guarded():
            found = _read(own, submission, deadline)
    except Refused as refused:
        found = Reading(note=f"Your code was not read, only judged by its numbers: it calls {refused}.")
    except Exception as error:  # a verdict must not be lost because of code that is like no other
        if is_strict():
            raise
        found = Reading(note="Your code could not be read.", fault=told_fault(error))
    fault = found.fault or "; ".join(faults())
    return Reading(found.corrections, found.left, found.note, time.thread_time() - start, fault)


def _read(own: Probe, submission: Submission, deadline: Deadline) -> Reading:
    functions: tuple[Any, ...] = own.calling.functions
    if not any(True for value in functions for _ in functions_in(value)):
        return Reading(note="Your code was not read: it is no function written in Python.")
    watch = Watch(functions)
    if not watch.functions:
        return Reading(note=_why(watch))
    if (trouble := _trouble(own, submission)) is not None:
        return Reading(note=trouble)
    _, probes = readable(own, watch, deadline)
    repair = repaired(functions, probes, deadline)
    if repair is None or not repair.mends:
        return Reading(left=tuple(sorted(repair.left)) if repair else (), note=_unfound(deadline))
    found = corrections(repair, probes)
    return Reading(tuple(found), tuple(sorted(repair.left)), _unfound(deadline) if repair.left else "")


def _why(watch: Watch) -> str:
    reasons = "; ".join(dict.fromkeys(watch.unread.values()))
    return f"Your code was not read: {reasons}." if reasons else "Your code was not read: its source is not at hand."


def _trouble(own: Probe, submission: Submission) -> str | None:
    """Return why a function cannot be read though its source is there."""
    try:
        again = own.run()
        seeded(1)
        drawn = own.calling(*own.arguments())
    except Refused:
        raise
    except (Exception, Halt) as error:  # whatever it raises the second time
        return f"Your code was not read: called once more, it raises {type(error).__name__}."
    if not _same(again, submission) or not _same(again, drawn):
        return (
            "Your code was not read, only judged by its numbers: called again with the same arrays it gives others. "
            "Does it draw random numbers of its own, or keep something from call to call?"
        )
    moved = own.arguments()
    for arrays in moved[:2]:
        for array in arrays:
            array += 0.125 * np.cos(np.arange(array.size)).reshape(array.shape)
    try:
        other = own.calling(*moved)
    except Refused:
        raise
    except (Exception, Halt) as error:  # it does compute something
        passed_over(error)
        return None
    if _same(again, other) and not _follows_shapes(own):
        return "Your code was not read: what it returns does not depend on the weights."
    return None


def _follows_shapes(own: Probe) -> bool:
    """Return whether a function gives arrays of other shapes for a network of other shapes."""
    other = next(own.relatives(0))
    try:
        arrays = other.run().arrays()
    except Refused:
        raise
    except (Exception, Halt) as error:  # it is made for certain shapes
        passed_over(error)
        return False
    return any(array.shape == other.right[key].shape != own.right[key].shape for key, array in arrays.items())


def _same(one: Submission, other: Submission) -> bool:
    a, b = one.arrays(), other.arrays()
    return set(a) == set(b) and all(np.array_equal(a[key], b[key], equal_nan=True) for key in a)


def _unfound(deadline: Deadline) -> str:
    if deadline.left < 0:
        return "The time for reading your code is up; `time_limit=` gives more."
    return "No change of one or two expressions in your code makes the rest right."
