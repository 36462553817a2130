"""Programs are taken as people write them: by the names of their arguments, as methods, in steps."""

import pytest

from nn.commands.check import report_on
from tests.forum_programs import HEAD, PROGRAMS

LOSS = "half_squared_error"


@pytest.fixture
def report(tmp_path):
    def judged(text, function, time_limit=0.0):
        path = tmp_path / "mine.py"
        path.write_text(HEAD + text, encoding="utf-8")
        return report_on(path, function, 0, time_limit)

    return judged


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_taken_as_it_is_written(report, name):
    function, text, (line, wrong) = PROGRAMS[name]
    right = report(text, function)
    assert right.ok, str(right)
    assert right.understood.startswith("Read as: ")
    assert not report(text.replace(line, wrong), function).ok


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_wrong_line_of_a_program_is_found(report, name):
    function, text, (line, wrong) = PROGRAMS[name]
    text = text.replace(line, wrong)
    found = report(text, function, 10.0)
    at = (HEAD + text).splitlines().index(next(row for row in (HEAD + text).splitlines() if row.strip() == wrong)) + 1
    assert [correction.line for correction in found.corrections] == [at], str(found)
