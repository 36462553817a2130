"""The harness measures what it says; no test here looks at a time."""

import json
import sys
import venv
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import environments
import harness
import measure
import run


def test_jobs_take_turns_and_the_warm_up_does_not_count():
    calls = []
    jobs = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = harness.alternate(jobs, repeats=3, warm_up=2)
    assert calls == ["a", "b"] * 5
    assert [len(times[name]) for name in "ab"] == [3, 3]


def test_a_job_may_time_itself():
    assert harness.alternate({"a": lambda: 0.25}, repeats=2) == {"a": [0.25, 0.25]}


def test_a_ratio_is_taken_within_each_round():
    times = {"a": [1.0, 10.0, 3.0], "b": [2.0, 20.0, 3.0]}
    assert harness.ratio(times, "a", "b") == 0.5
    assert harness.medians(times) == {"a": 3.0, "b": 3.0}


@pytest.mark.parametrize("wrong", [[1.0, 2.0 + 1e-8], [1.0], [1.0, float("nan")], [float("inf"), 2.0]])
def test_results_that_differ_are_refused(wrong):
    with pytest.raises(ValueError, match="theirs"):
        harness.agree({"ours": [1.0, 2.0], "theirs": wrong}, "ours")


def test_results_within_rounding_agree():
    harness.agree({"ours": [1e-3, 2.0], "theirs": [1e-3 + 1e-12, 2.0 - 1e-10]}, "ours")


def test_a_section_is_replaced_and_the_text_around_it_stays(tmp_path):
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- a: begin -->\nold\n<!-- a: end -->\nafter\n", encoding="utf-8")
    harness.write_section("a", harness.table(["x", "y"], [["1", "2"]]), document)
    table = "| x | y |\n| :-- | --: |\n| 1 | 2 |"
    assert document.read_text(encoding="utf-8") == f"before\n<!-- a: begin -->\n{table}\n<!-- a: end -->\nafter\n"
    with pytest.raises(ValueError, match="section b"):
        harness.write_section("b", "", document)


def test_results_are_kept_beside_those_of_other_scripts(tmp_path):
    path = tmp_path / "results.json"
    harness.record("a", {"x": 1.0}, path)
    harness.record("b", {"y": 2.0}, path)
    harness.record("a", {"x": 3.0}, path)
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": {"x": 3.0}, "b": {"y": 2.0}}


def test_every_tool_has_a_module():
    peers = Path(run.__file__).parent / "peers"
    for workload in run.workloads().values():
        assert workload.contenders[0] == "ours"
        assert all((peers / f"with_{name}.py").exists() for name in workload.contenders)


def test_the_interpreter_of_an_environment_is_looked_for_where_venv_puts_it(tmp_path):
    made = venv.EnvBuilder().ensure_directories(tmp_path)
    assert (tmp_path / environments.PYTHON).parent == Path(made.bin_path)


@pytest.mark.slow
def test_the_quick_form_finds_that_all_agree():
    took_part = run.quick(["micrograd", "micro_value", "numpy_by_hand"])  # micrograd only where pip can install it
    assert set(took_part) == set(run.workloads())
    assert all({"micro_value", "numpy_by_hand"} & set(contenders) for contenders in took_part.values())


@pytest.mark.slow
def test_the_quick_form_refuses_a_contender_that_is_wrong(monkeypatch):
    check = measure.Contender.check

    def wrong(self, name, times):
        numbers = check(self, name, times)
        return [*numbers[:-1], numbers[-1] + 1e-6] if self.name == "micro_value" else numbers

    monkeypatch.setattr(measure.Contender, "check", wrong)
    with pytest.raises(ValueError, match="micro_value and ours disagree"):
        run.quick(["micro_value"])
