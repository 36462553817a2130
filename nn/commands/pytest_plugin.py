"""The plugin for pytest: `pytest --check-backprop FILE`, and the fixture `check_backprop`.

What `nn.check_backprop` says is the failure's text.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..referee import Report

__all__ = ["BackpropFile", "check_backprop", "pytest_addoption", "pytest_collection_modifyitems"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup("deltagrad").addoption(
        "--check-backprop",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="check the function my_backprop(weights, biases, X, T) in FILE against the engine; may be repeated",
    )


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each file that is to be checked."""
    files = config.getoption("--check-backprop")
    items += [BackpropFile.from_parent(session, name=f"check-backprop {path}", file=path) for path in files]


class BackpropFile(pytest.Item):
    """The test that a hand-written backward pass is right."""

    def __init__(self, *, file: Path, **options: Any) -> None:
        super().__init__(**options)
        self.file = file

    def runtest(self) -> None:
        """Raise an error that tells the report unless every array is right."""
        from .file_report import report_on

        _require(report_on(self.file, "my_backprop", seed=0))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the referee's text, or what is wrong with the file."""
        if isinstance(excinfo.value, (WrongBackpropError, ValueError, TypeError, OSError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the test is and what it is called."""
        return self.file, None, self.name


class WrongBackpropError(AssertionError):
    """A hand-written backward pass is wrong; the text is the referee's."""


def _require(report: Report) -> None:
    if not report.ok:
        raise WrongBackpropError(str(report))


@pytest.fixture
def check_backprop() -> Callable[..., Any]:
    """A function like `nn.check_backprop` that fails the test, with the report as its text, unless all is right."""
    from ..referee import check_backprop as judge

    def checked(*arguments: Any, **options: Any) -> Report:
        report = judge(*arguments, **options)
        if not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report

    return checked
