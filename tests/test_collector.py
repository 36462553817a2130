"""The cycle collector leaves large graphs alone, and everything else in its care."""

import gc
import weakref

import pytest

from autograd import Value, collector

DEFERRALS = [callback for callback in gc.callbacks if isinstance(callback, collector.Deferral)]
pytestmark = pytest.mark.skipif(
    not collector.goes_through_everything_old(), reason="this Python's collector works otherwise"
)


@pytest.fixture(autouse=True)
def a_heap_of_known_age():
    gc.collect()


def graph(nodes):
    y = Value(1.0)
    for _ in range(nodes):
        y = y + 1.0
    return y


def full_collections():
    return gc.get_stats()[2]["collections"]


class Cycle:
    def __init__(self):
        self.self = self


def test_the_callback_is_installed_once():
    assert len(DEFERRALS) == 1


def test_recording_a_large_graph_makes_no_full_collection():
    before = full_collections()
    y = graph(500_000)
    assert full_collections() == before
    gc.callbacks.remove(DEFERRALS[0])
    try:
        y = graph(500_000)  # as it would be otherwise
        assert full_collections() > before
    finally:
        gc.callbacks.append(DEFERRALS[0])
    assert y.data == 500_001.0


def test_cycles_among_the_nodes_are_still_found(monkeypatch):
    monkeypatch.setattr(collector, "PATIENCE", 100_000)
    gc.collect()
    monkeypatch.setattr(DEFERRALS[0], "_patience", 100_000)
    garbage = [Cycle() for _ in range(1000)]
    last = weakref.ref(garbage[-1])
    y = graph(20_000)  # they have grown old
    del garbage
    assert last() is not None
    for _ in range(20):
        y = y + graph(50_000)
        if last() is None:
            break
    assert last() is None


def test_a_program_that_records_nothing_is_not_affected():
    before = DEFERRALS[0].count
    kept = [[] for _ in range(200_000)]
    assert DEFERRALS[0].count == before
    assert len(kept) == 200_000


def test_frozen_objects_stay_frozen():
    gc.freeze()
    try:
        frozen, before = gc.get_freeze_count(), DEFERRALS[0].count
        y = graph(50_000)
        assert gc.get_freeze_count() > frozen - 1000  # some have been freed since
        assert DEFERRALS[0].count == before
        assert y.data == 50_001.0
    finally:
        gc.unfreeze()
