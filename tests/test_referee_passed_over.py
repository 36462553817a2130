"""What the reader does not try would not have mended anything, and what it watches in part computes the same."""

import numpy as np
import pytest

from nn import check_backprop
from nn.referee.reading.edits import Known
from nn.referee.reading.guard import Deadline, guarded
from nn.referee.reading.search import Search
from nn.referee.reading.session import Session, power_of
from nn.referee.reading.sites import span_of
from nn.referee.reading.variants import variant
from nn.referee.reading.watch import Watch
from nn.referee.returned import sorted_out
from nn.referee.unrolled import Unrolled
from tests.courses_styles import STYLES
from tests.mutated_styles import planted_pairs, with_mistake
from tests.scripts import module_of

MINUTES = 600.0


@pytest.fixture
def session_of(monkeypatch):
    """Returns what begins to read a wrong text in a style, as a session on the first network."""

    def made(name, text):
        begun = []
        monkeypatch.setattr("nn.referee.reading.read.repaired", lambda *given: begun.append(given))
        arguments, options = STYLES[name].problem()
        check_backprop(module_of(text).my_backprop, *arguments, **options)
        ((functions, probes, _),) = begun
        return Session(probes[0], Watch(functions))

    return made


def mending(session):
    search = Search(session, Deadline(MINUTES))
    return {(found.edit.site.number, found.edit.text, found.left) for found in search.full + search.part}


@pytest.mark.parametrize(
    "name", ["decay", "helpers", "momentum_within", "softmax_rows", "tables_of_functions", "swish"]
)
def test_what_follows_from_the_powers_of_a_factor_need_not_be_run(name, session_of, monkeypatch):
    ((_, text),) = planted_pairs(STYLES[name], 1, seed=2)
    session = session_of(name, text)
    with guarded():
        found, runs = mending(session), session.runs
        monkeypatch.setattr(Search, "_may_mend", lambda self, edit: True)
        monkeypatch.setattr(Session, "is_affine", lambda self, site: True)
        session = Session(session.probe, Watch(tuple(session.watch.functions)))
        assert mending(session) == found
        assert session.runs > runs


def test_powers_are_told_with_a_rest_beside_the_odd_ones():
    rng = np.random.default_rng(0)
    rest, array = rng.normal(size=(2, 3, 4))
    for degree in (1, 3):
        power = power_of(rest + array, rest + 2.0**degree * array, rest - array)
        assert power.degree == degree
        np.testing.assert_allclose(power.rest, rest, rtol=1e-12)
        assert power.with_factor(rest + array, 5.0, 2) == pytest.approx(float((rest + 5.0**degree * array).flat[2]))
    for degree in (2, 4):
        assert power_of(array, 2.0**degree * array, array).degree == degree
    assert power_of(rest + array, rest + 4 * array, rest + array) is None  # a rest beside an even one may be anything
    assert power_of(np.exp(array), np.exp(2 * array), np.exp(-array)) is None
    mixed = array + array**2
    assert power_of(mixed, 2 * array + 4 * array**2, array**2 - array) is None
    assert power_of(array, 2 * array, array) is None  # |·| of a factor is no power of it


@pytest.mark.parametrize("name", STYLES)
def test_a_statement_that_hands_over_its_values_computes_what_it_did(name, session_of):
    session = session_of(name, with_mistake(STYLES[name].text, *STYLES[name].mistakes[0])[0])
    with guarded():
        probe, watch, numbers = session.probe, session.watch, set(session.visits)
        before = probe.run().arrays()
        places = {}
        for site in session.sites:
            places.setdefault((site.file, span_of(site.statement)), site)
        read = 0
        for place, site in places.items():
            codes = variant(watch, [session_edit(site)], texts=False)
            if codes is None:
                continue
            read += 1
            seen = []
            with watch.running({}, lambda number, value, seen=seen: seen.append(number), codes):
                after = probe.run().arrays()
            assert all(np.array_equal(after[key], array) for key, array in before.items()), place
            wanted = [
                n
                for n, _, _ in session.order
                if (s := watch.sites[n]).file == place[0] and span_of(s.statement) == place[1]
            ]
            assert set(seen) <= numbers
            assert [n for n in seen if n in set(wanted)] == [n for n in wanted if n in set(seen)]
            assert len(set(wanted) - set(seen)) <= 1  # a generator between the parentheses of a call
        assert read or any("while" in line for line in STYLES[name].text.splitlines())


def session_edit(site):
    return Known(site, "", "number", 0.0, lambda visit, value: value)


@pytest.mark.parametrize("kind", [list, tuple])
def test_arrays_are_sorted_out_anew_each_time_though_their_order_is_kept(kind):
    places = {("dW", 0): (3, 2), ("db", 0): (3,), ("dW", 1): (1, 3), ("db", 1): (1,)}
    for seed in range(2):
        rng = np.random.default_rng(seed)
        arrays = kind(rng.normal(size=shape) for shape in ((1, 3), (1,), (3, 2), (3,)))
        found = sorted_out(arrays, places, Unrolled())
        assert [id(array) for array in found.parts["dW"]] == [id(arrays[2]), id(arrays[0])]
        assert [id(array) for array in found.parts["db"]] == [id(arrays[3]), id(arrays[1])]
        assert found.parts["delta"] is None
