"""From an answer to marks: the arrays of a submission are judged here, where it cannot reach."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..referee import Report, check_backprop
from .assignment import Assignment, Trial
from .process import Limits, submitted

__all__ = ["Mark", "graded"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a submission got.

    Attributes:
        name: The submission: the path of its file, from the folder.
        right: How many arrays dW and db are right in every batch.
        total: How many there are.
        finding: What to say of it in one sentence.
        text: The referee's report on the first batch that shows a mistake, or on the first one.
        seconds: How long it took.
    """

    name: str
    right: int
    total: int
    finding: str
    text: str
    seconds: float

    @property
    def share(self) -> float:
        """The share of right arrays, from 0 to 1."""
        return self.right / self.total

    def to_dict(self) -> dict[str, Any]:
        """Return the same as plain data."""
        return {
            "name": self.name,
            "right": self.right,
            "total": self.total,
            "share": self.share,
            "finding": self.finding,
            "report": self.text,
            "seconds": round(self.seconds, 3),
        }


def graded(path: Path, name: str, assignment: Assignment, *, seed: int, limits: Limits) -> Mark:
    """Return the mark of the submission in a file.

    Args:
        path: The file; it runs in a process of its own, which sees hidden batches and no right gradients.
        name: What the submission is called.
        assignment: What is asked.
        seed: Of the hidden batches.
        limits: Of time and memory.
    """
    begin = time.perf_counter()
    reports: list[Report] = []
    problem = ""
    try:
        with submitted(path, assignment.function, limits) as function:
            reports += [_judged(assignment, trial, function) for trial in assignment.trials(seed)]
    except (TypeError, ValueError, ArithmeticError) as error:
        problem = str(error)
    seconds = time.perf_counter() - begin
    total = sum(len(layer.parameter_arrays()) for layer in assignment.model.layers)
    if problem:
        return Mark(name, 0, total, problem, "", seconds)
    right = _right(reports)
    first = next((report for report in reports if not report.ok), reports[0])
    return Mark(name, right, total, _sentence(first, right, total), str(first), seconds)


def _judged(assignment: Assignment, trial: Trial, function: Any) -> Report:
    """Return the report on what a function of another process gives; its code stays there and is not read."""
    return check_backprop(
        function, trial.model, trial.X, trial.T, assignment.loss, **assignment.options, time_limit=0.0
    )


def _right(reports: Sequence[Report]) -> int:
    """Count the dW and db that are right in some batch, and in every batch where they can be judged."""
    verdicts: dict[tuple[int, str], set[str]] = {}
    for report in reports:
        for finding in report.findings:
            if finding.array != "δ":
                verdicts.setdefault((finding.layer, finding.array), set()).add(finding.verdict)
    return sum("right" in found and found <= {"right", "undecidable"} for found in verdicts.values())


def _sentence(report: Report, right: int, total: int) -> str:
    if right == total:
        return "all arrays are right"
    if report.headline:
        return report.headline
    wrong = [finding for finding in report.findings if finding.verdict == "wrong"]
    if not wrong:
        return "not every array can be judged"
    texts = [mistake.text for mistake in wrong[0].explanations[0]] if wrong[0].explanations else [wrong[0].remark]
    return f"{wrong[0].name} is wrong. {' '.join(texts)}".strip()
