"""Passes and contexts beside, within and after one another: threads, forks, tasks, interrupts, nested passes."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

import autograd
from autograd import DomainError, Op, Value, no_grad


def interrupting(action):
    """An operation x², whose rule does something else first."""

    def rule(_out, x):
        action()
        return 2.0 * x

    return Op("interrupting", forward=lambda x: x * x, partials=(rule,))


def test_a_pass_within_a_pass_over_the_same_graph_leaves_both_right():
    x, y = Value(3.0), Value(5.0)
    shared = x * y
    inner = shared * 10.0 + x

    def action():
        inner.backward()

    out = interrupting(action)(shared) + shared * y
    out.backward()
    # out = (xy)² + xy·y; inner = 10xy + x
    assert x.grad == (2 * 15.0 * 5.0 + 25.0) + (50.0 + 1.0)
    assert y.grad == (2 * 15.0 * 3.0 + 2 * 15.0) + 30.0
    assert shared.grad == 2 * 15.0 + 5.0  # the adjoint of the pass that ended last
    assert inner.grad == 1.0


def test_a_pass_within_a_pass_that_fails_keeps_what_it_added():
    x = Value(0.0)
    inner = x * 7.0

    def action():
        inner.backward()

    out = x.sqrt() + interrupting(action)(x + 1.0)
    with pytest.raises(DomainError, match="undefined"):
        out.backward()
    assert x.grad in (7.0, 14.0)  # what the inner pass gave, once for each try of the outer, and nothing of that
    inner_grad = x.grad
    with pytest.raises(DomainError):
        x.sqrt().backward()
    assert x.grad == inner_grad


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_is_forked_during_a_pass_of_another_thread_can_differentiate():
    code = """
import os, threading, time, warnings
from autograd import Op, Value
warnings.simplefilter("ignore")
entered = threading.Event()
def rule(out, x):
    entered.set()
    time.sleep(0.3)
    return 1.0
slow = Op("slow", forward=lambda x: x, partials=(rule,))
x = Value(1.0)
thread = threading.Thread(target=lambda: slow(x).backward())
thread.start()
entered.wait()
child = os.fork()
if child == 0:
    y = Value(2.0)
    (y * y).backward()
    from autograd import no_grad
    with no_grad():
        pass
    os._exit(0 if y.grad == 4.0 else 1)
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert x.grad == 1.0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_no_grad_stays_in_the_task_that_opened_it():
    recorded = []

    async def paused(started, done):
        with no_grad():
            started.set()
            await done.wait()
            recorded.append(("paused", (Value(1.0) * 2.0).is_leaf))

    async def other(started, done):
        await started.wait()
        recorded.append(("other", (Value(1.0) * 2.0).is_leaf))
        done.set()

    async def both():
        started, done = asyncio.Event(), asyncio.Event()
        await asyncio.gather(paused(started, done), other(started, done))

    asyncio.run(both())
    assert recorded == [("other", False), ("paused", True)]


def test_no_grad_stays_in_its_thread():
    found = []
    with no_grad():
        thread = threading.Thread(target=lambda: found.append((Value(1.0) * 2.0).is_leaf))
        thread.start()
        thread.join()
    assert found == [False]


def interrupt_after(line_of, function):
    """Run a function, raise a KeyboardInterrupt at the n-th line of no_grad's own code; return how many there are."""
    lines = 0

    def trace(frame, event, _arg):
        nonlocal lines
        if frame.f_code.co_filename != autograd.no_grad.__enter__.__code__.co_filename:
            return trace
        if event in ("line", "return") and frame.f_code.co_name in ("__enter__", "__exit__"):
            lines += 1
            if lines == line_of:
                raise KeyboardInterrupt
        return trace

    old = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(old)
    return lines


def test_an_interrupt_anywhere_in_no_grad_leaves_recording_on():
    def block():
        with no_grad():
            pass

    @no_grad()
    def decorated():
        pass

    for function in (block, decorated):
        count = interrupt_after(-1, function)
        assert count > 8
        for line in range(1, count + 1):
            interrupt_after(line, function)
            assert not (Value(1.0) * 2.0).is_leaf, f"off after an interrupt at line {line}"


def test_a_decorated_function_may_call_itself():
    @no_grad()
    def depth(n):
        return n if n == 0 or not (Value(1.0) * 2.0).is_leaf else depth(n - 1)

    assert depth(3) == 0
    assert not (Value(1.0) * 2.0).is_leaf


def test_one_object_can_be_entered_again():
    context = no_grad()
    with context:
        with context:
            assert (Value(1.0) * 2.0).is_leaf
        assert (Value(1.0) * 2.0).is_leaf
    assert not (Value(1.0) * 2.0).is_leaf


def test_reloading_adds_no_callback_to_the_collector():
    code = """
import gc, importlib, sys
import autograd
before = len(gc.callbacks)
importlib.reload(autograd)
for name in [name for name in sys.modules if name.split(".")[0] == "autograd"]:
    del sys.modules[name]
import autograd
assert len(gc.callbacks) == before, gc.callbacks
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
