"""Measure the pages of the explorer against their limits, in headless Chromium: `python benchmarks/explorer.py`.

For each kind of graph it writes the page, and tells how long that took, how large it is and how many elements it has.
It opens the page, presses the arrow key at several places of both passes, at each depth, and reads from the browser's
own trace what each step cost: what the page's thread does before the frame (the script, and style and layout where the
script asks for them), the frame (style, layout, paint, commit), and what comes after it until the picture is in place
(raster and activation, of the thread that is busiest with it). All is time of the processor, which other jobs on the
machine make longer only by what they take from its caches. (A page with nothing but a number that a key counts up is
measured, too: less than its time no step can take here.) Then it moves a slider, which computes both passes again. Of
steps and moves it tells the depth with the largest 95th percentile.

It needs Chromium and the package `websocket-client`, which comes with the extra `browser`; it writes
`benchmarks/results.json` and the section `explorer` of `docs/performance.md`, with `--dry` neither.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import ROOT, record, table, write_section

sys.path.insert(0, str(ROOT))

import viz  # the checkout's own package, found by the line above
from tests.explorer_pages import CASES, Case

__all__ = ["Page", "slider_moves", "summary", "traced_steps"]

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--window-size=1280,800", "--remote-debugging-port=0")  # fmt: skip
CATEGORIES = ["devtools.timeline", "cc"]
GRAPHS = {
    "x·y+x": "expression", "a neuron": "one_neuron", "2-2-1": "small", "4-8-6-1": "three_layers", "2-16-16-1": "wide",
    "64-30-10 on a digit": "digit", "residual, 4-4-4-4-1": "residual_layers", "attention": "attention",
    "LSTM of 4 steps": "lstm", "batch of 4": "batch", "20,000 nodes": "unstructured",
}  # fmt: skip
LIMITS = {"step": 16.0, "slider": 20.0, "elements": 1500, "kilobytes": 200.0, "times the numbers": 1.1}

EMPTY = """<!doctype html><p>0</p><script>
const p = document.querySelector("p"), nothing = () => {};
const explorer = { clock: { length: 1 }, go: nothing, set: nothing };
document.addEventListener("keydown", () => { p.textContent = +p.textContent + 1; });
</script>"""
"""A page on which a step writes one number: what a step costs here at least."""

PAUSE = 0.05
PARTS = ("before", "frame", "raster", "whole")
AFTERWARDS = {"RasterTask", "LayerTreeHostImpl::ActivateSyncTree"}
Trace = list[dict[str, Any]]
Steps = dict[str, list[float]]


class Page:
    """A connection to one target of the browser, a page or the browser itself."""

    def __init__(self, address: str) -> None:
        websocket: Any = importlib.import_module("websocket")  # only who measures needs it
        self._socket = websocket.create_connection(address, suppress_origin=True, timeout=60)
        self._count = 0
        self.events: list[dict[str, Any]] = []

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a method of the Chrome DevTools protocol."""
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while (message := json.loads(self._socket.recv())).get("id") != self._count:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        return dict(message["result"])

    def run(self, script: str) -> Any:
        """Return the value of a script."""
        return self("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def wait(self, event: str) -> None:
        """Read messages until an event has come."""
        while self.events[-1:] == [] or self.events[-1].get("method") != event:
            self.events.append(json.loads(self._socket.recv()))


@contextmanager
def browser() -> Iterator[tuple[Page, Page]]:
    """Open Chromium, and yield the connections to it and to its page."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("there is no chromium: install it, on Debian with apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            ready = Path(folder) / "DevToolsActivePort"
            while not ready.exists() or len(ready.read_text(encoding="utf-8").split()) < 2:
                time.sleep(0.05)
            port, path = ready.read_text(encoding="utf-8").split()
            direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with direct.open(f"http://127.0.0.1:{port}/json") as listed:
                address = next(each["webSocketDebuggerUrl"] for each in json.load(listed) if each["type"] == "page")
            yield Page(f"ws://127.0.0.1:{port}{path}"), Page(address)
        finally:
            process.terminate()
            process.wait()


def opened(page: Page, text: str, folder: str) -> None:
    """Open a page and wait until it stands; nothing of it stays in the browser."""
    path = Path(folder) / "page.html"
    path.write_text(text, encoding="utf-8")
    page("Page.enable")
    page("Page.navigate", url=path.as_uri())
    page.wait("Page.loadEventFired")
    time.sleep(1.0)


def traced_steps(main: Page, page: Page, text: str, depth: str, count: int) -> Trace:
    """Return the browser's trace of `count` steps at each of four places of a page, forwards and backwards."""
    with tempfile.TemporaryDirectory() as folder:
        opened(page, text, folder)
        page.run(f"explorer.go('{depth}')")
        time.sleep(1.0)
        main.events.clear()
        main("Tracing.start", traceConfig={"includedCategories": CATEGORIES}, transferMode="ReportEvents")
        for place, key in ((0.01, "ArrowRight"), (0.4, "ArrowRight"), (0.6, "ArrowLeft"), (0.8, "ArrowRight")):
            page.run(f"explorer.set(Math.round({place} * explorer.clock.length))")
            time.sleep(0.4)
            code = {"ArrowRight": 39, "ArrowLeft": 37}[key]
            for _ in range(count):
                for kind in ("keyDown", "keyUp"):
                    page("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)
                time.sleep(PAUSE)
        main("Tracing.end")
        main.wait("Tracing.tracingComplete")
    reports = [event for event in main.events if event.get("method") == "Tracing.dataCollected"]
    return [each for report in reports for each in report["params"]["value"]]


def slider_moves(page: Page, text: str, depth: str, count: int) -> list[float]:
    """Return the milliseconds of processor time that moves of a slider take, with the layout of the page."""
    move = """(() => {
        const { slider } = explorer.panel.whatIf;
        slider.value = +slider.min + ((%d * 0.37) %% 1) * (slider.max - slider.min);
        slider.dispatchEvent(new Event("input"));
        document.body.offsetHeight;
    })()"""

    def spent() -> float:
        metrics = page("Performance.getMetrics")["metrics"]
        return 1e3 * next(float(each["value"]) for each in metrics if each["name"] == "ThreadTime")

    taken = []
    with tempfile.TemporaryDirectory() as folder:
        opened(page, text, folder)
        page("Performance.enable", timeDomain="threadTicks")
        page.run(f"explorer.go('{depth}')")
        time.sleep(1.0)
        for k in range(count):
            before = spent()
            page.run(move % k)
            taken.append(spent() - before)
    return taken


def steps(trace: Trace) -> Steps:
    """Return the milliseconds of processor time that each part of each step took."""
    events = [each for each in trace if each["ph"] == "X" and "tdur" in each]
    keys = [each for each in events if each["name"] == "EventDispatch" and each["args"]["data"]["type"] == "keydown"]
    process, thread = keys[0]["pid"], keys[0]["tid"]
    own = [each for each in events if each["pid"] == process]
    work = sorted(span(each) for each in own if each["tid"] == thread)
    frames = sorted(span(each) for each in own if each["name"] == "ProxyMain::BeginMainFrame")
    after = [(each["tid"], *span(each)) for each in own if each["name"] in AFTERWARDS]
    pressed = sorted(each["ts"] / 1e3 for each in keys)
    found: Steps = {part: [] for part in PARTS}
    for start, end in zip(pressed, [*pressed[1:], float("inf")], strict=True):
        frame = next((each for each in frames if start <= each[0] < end), None)
        if frame is None:
            continue
        threads: dict[int, float] = defaultdict(float)
        for own_thread, begun, _, taken in after:
            threads[own_thread] += taken if start <= begun < end else 0.0
        before, raster = busy(work, start, frame[0]), max(threads.values(), default=0.0)
        parts = {"before": before, "frame": frame[2], "raster": raster}
        for part, taken in {**parts, "whole": sum(parts.values())}.items():
            found[part].append(taken)
    return found


def span(event: dict[str, Any]) -> tuple[float, float, float]:
    """Return when an event began and ended, and how long its thread was running meanwhile, in milliseconds."""
    return event["ts"] / 1e3, (event["ts"] + event["dur"]) / 1e3, event["tdur"] / 1e3


def busy(work: list[tuple[float, float, float]], start: float, end: float) -> float:
    """Return for how long a thread was running in spans that begin from `start` to `end`; spans may hold others."""
    total, done = 0.0, start
    for begun, ended, taken in work:
        if done <= begun < end:
            total += taken
            done = ended
    return total


def summary(taken: list[float]) -> tuple[float, float]:
    """Return the median and the 95th percentile; of fewer than two numbers nothing can be said."""
    if len(taken) < 2:
        return math.nan, math.nan
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def weighed(case: Case) -> dict[str, float]:
    """Return how long a page takes to be written, in seconds, its size and its limit, in kilobytes."""
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        text = str(viz.to_html(case.root, **case.options))
        seconds.append(time.process_time() - begin)
    data = text.split('<script type="application/json" id="data">', 1)[1].split("</script>", 1)[0]
    limit = LIMITS["kilobytes"] + LIMITS["times the numbers"] * len(data.encode()) / 1024
    return {"seconds": statistics.median(seconds), "kilobytes": len(text.encode()) / 1024, "limit": limit}


def measured(main: Page, page: Page, case: Case, count: int) -> dict[str, Any]:
    """Return all that is measured of one page."""
    text = str(viz.to_html(case.root, **case.options))
    found: dict[str, Any] = weighed(case)
    with tempfile.TemporaryDirectory() as folder:
        opened(page, text, folder)
        depths = page.run("explorer.depths")
        script = "explorer.depth = '{}'; explorer.set(explorer.clock.length); document.querySelectorAll('*').length"
        found["elements"] = max(page.run(script.format(depth)) for depth in depths)
    found["steps"] = {}
    found["slider"] = {}
    for depth in depths:
        parts = steps(traced_steps(main, page, text, depth, count))
        found["steps"][depth] = {part: summary(taken) for part, taken in parts.items()}
        found["slider"][depth] = summary(slider_moves(page, text, depth, 4 * count))
    return found


def row(name: str, found: dict[str, Any]) -> list[str]:
    """Return a line of the table; what misses its limit is bold."""

    def told(text: str, *, holds: bool) -> str:
        return text if holds else f"**{text}**"

    def slowest(taken: dict[str, tuple[float, float]], limit: float) -> str:
        depth, (middle, most) = max(taken.items(), key=lambda each: -1.0 if math.isnan(each[1][1]) else each[1][1])
        return told(f"{middle:.1f} / {most:.1f} ({depth})", holds=most <= limit)

    whole = {depth: parts["whole"] for depth, parts in found["steps"].items()}
    size = told(f"{found['kilobytes']:.0f} of {found['limit']:.0f}", holds=found["kilobytes"] <= found["limit"])
    elements = told(f"{found['elements']:,}", holds=found["elements"] <= LIMITS["elements"])
    seconds = f"{found['seconds']:.2f}"
    return [name, slowest(whole, LIMITS["step"]), slowest(found["slider"], LIMITS["slider"]), size, elements, seconds]


def main() -> None:
    """Measure every page, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("graphs", nargs="*", choices=[[], *GRAPHS], metavar="GRAPH", help="only these")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="steps at each of the four places")
    parser.add_argument("--dry", action="store_true", help="print the table and write nothing")
    options = parser.parse_args()
    found = {}
    with browser() as (main, page):
        agent = main("Browser.getVersion")["product"]
        floor = summary(steps(traced_steps(main, page, EMPTY, "", options.steps))["whole"])
        for name in options.graphs or GRAPHS:
            found[name] = measured(main, page, CASES[GRAPHS[name]](), options.steps)
            print(" | ".join(row(name, found[name])), flush=True)
    header = [agent, "step, ms", "slider, ms", "page, KB", "elements", "`to_html`, s"]
    least = ["a number alone", f"{floor[0]:.1f} / {floor[1]:.1f}", *[""] * (len(header) - 2)]
    rows = [least, *(row(name, own) for name, own in found.items())]
    if not options.dry:
        record("explorer", {"found": found, "floor": floor, "browser": agent, "steps": 4 * options.steps})
        write_section("explorer", table(header, rows))


if __name__ == "__main__":
    main()
