"""The referee names the line that is wrong, and what it prints as corrected is right when it is pasted in."""

import random
import sys
import threading

import numpy as np
import pytest

from nn import check_backprop
from nn.referee.reading.guard import Deadline, Refused, guarded
from nn.referee.reading.watch import Watch
from tests.mutated_styles import mutants, pairs_of_mutants
from tests.referee_styles import STYLES
from tests.scripts import module_of

PLANTED = [(name, k) for name, style in STYLES.items() for k in range(len(style.mistakes))]
LOOPS = {"scalars", "entry_by_entry", "plain_lists"}  # a run of these takes a hundred times as long
ELSEWHERE = 20.0  # seconds; the machine that runs the tests may be busy


def planted(name, k):
    """A text with a mistake, and the lines that it stands in."""
    style = STYLES[name]
    old, new = style.mistakes[k]
    assert old in style.text
    before, after = style.text.splitlines(), style.text.replace(old, new, 1).splitlines()
    first = next(n for n, (a, b) in enumerate(zip(before, after, strict=False), 1) if a != b)
    return style.text.replace(old, new, 1), range(first, first + max(1, old.count("\n")))


def report_on(text, style, **options):
    arguments, more = style.problem()
    return check_backprop(module_of(text).my_backprop, *arguments, **more, time_limit=ELSEWHERE, **options)


def pasted(text, report):
    """The text with all corrections put in by their places."""
    lines = text.splitlines(keepends=True)
    for c in sorted(report.corrections, key=lambda c: (c.line, c.column), reverse=True):
        line = lines[c.line - 1]
        assert c.source == line.rstrip("\n")
        lines[c.line - 1] = c.corrected + "\n"
    return "".join(lines)


@pytest.mark.parametrize("name", STYLES)
def test_right_code_is_called_right_in_every_style(name):
    style = STYLES[name]
    report = report_on(style.text, style)
    assert report.ok, str(report)
    assert report.corrections == ()


def require_line(name, k):
    text, lines = planted(name, k)
    report = report_on(text, STYLES[name])
    assert not report.ok
    assert report.reading.explains_all, f"{STYLES[name].mistakes[k]}\n{report}"
    assert all(c.line in lines for c in report.corrections), f"{STYLES[name].mistakes[k]}\n{report}"
    assert all(c.proved_on for c in report.corrections)
    if len(report.corrections) == 1 and report.corrections[0].corrected:
        assert report_on(pasted(text, report), STYLES[name]).ok, f"the correction is none\n{report}"


QUICK = [pair for pair in PLANTED if pair[0] not in LOOPS]


@pytest.mark.parametrize(("name", "k"), QUICK[::4])
def test_a_planted_mistake_is_found_in_its_line(name, k):
    require_line(name, k)


AMBIGUOUS = set()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "k"), [pair for pair in PLANTED if pair not in AMBIGUOUS])
def test_every_planted_mistake_is_found_in_its_line(name, k):
    require_line(name, k)
