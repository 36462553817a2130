"""What an index reads when the axes in it are replaced."""

import numpy as np
import pytest

from autograd.lift.language.index import Axis, Index, at, fixed

SHORT, LONG = Axis(2), Axis(4)
TABLE = Index(table=np.array([5, 7]), axes=[SHORT])


@pytest.mark.parametrize(
    ("by", "read"),
    [(at(LONG), [5, 7, -1, -1]), (at(LONG, -1), [-1, 5, 7, -1]), (Index(3, [(LONG, -1)]), [-1, -1, 7, 5])],
)
def test_a_table_has_nothing_beyond_its_axis(by, read):
    assert TABLE.substituted({SHORT: by}).numbers({LONG: np.arange(4)}).tolist() == read


def test_a_table_at_a_number_is_a_number():
    assert [TABLE.substituted({SHORT: fixed(k)}).numbers({}).tolist() for k in (0, 1, 2)] == [5, 7, -1]
