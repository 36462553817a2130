"""Measure how soon a step of the explorer is seen, in headless Chromium: `python benchmarks/explorer.py`.

It opens the page of a 64-30-10 network on a digit, presses the arrow key at several places of both passes, at each
depth, and reads from the browser's own trace what each step cost: what the page's thread does before the frame (the
script, and style and layout where the script asks for them), the frame (style, layout, paint, commit), and what comes
after it until the picture is in place (raster, activation). The time until the display's next tick, during which
nothing is done, is not part of it. Then it moves a slider, which computes both passes again. It needs Chromium and the
package `websocket-client`, which comes with the extra `browser`; it writes `benchmarks/results.json` and the section
`explorer` of `docs/performance.md`, with `--dry` neither.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness import ROOT, record, table, write_section

sys.path.insert(0, str(ROOT))

import nn  # the checkout's own package, found by the line above
import viz
from autograd import Value

__all__ = ["Page", "digit", "slider_moves", "summary", "traced_steps"]

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--window-size=1280,800", "--remote-debugging-port=0")  # fmt: skip
CATEGORIES = ["devtools.timeline", "cc"]
DEPTHS = ("network", "layer", "neuron", "scalars")

PAUSE = 0.05
PARTS = ("before", "frame", "raster", "whole")
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


def digit() -> Value:
    """Return the cost of a 64-30-10 network on a handwritten digit."""
    data = nn.data.load_digits()
    model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
    cost: Value = nn.cross_entropy(model(data.X[0].tolist()), nn.one_hot(data.y[:1], 10)[0].tolist())
    return cost


def opened(page: Page, text: str, folder: str) -> None:
    """Open a page and wait until it stands."""
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
    """Return the milliseconds that moves of a slider take, with the layout of the page."""
    script = f"""(() => {{
        explorer.go("{depth}");
        const slider = explorer.panel.whatIf.slider, times = [];
        for (let k = 0; k < {count}; k++) {{
            const begin = performance.now();
            slider.value = +slider.min + ((k * 0.37) % 1) * (slider.max - slider.min);
            slider.dispatchEvent(new Event("input"));
            document.body.offsetHeight;
            times.push(performance.now() - begin);
        }}
        return times;
    }})()"""
    with tempfile.TemporaryDirectory() as folder:
        opened(page, text, folder)
        return list(page.run(script))


def steps(trace: Trace) -> Steps:
    """Return the milliseconds that each part of each step took; a part of which the trace says nothing is left out."""
    keys = [each for each in trace if each["name"] == "EventDispatch" and each["args"]["data"]["type"] == "keydown"]
    process, thread = keys[0]["pid"], keys[0]["tid"]
    work = sorted((each["ts"] / 1e3, (each["ts"] + each.get("dur", 0)) / 1e3) for each in trace
                  if each["ph"] == "X" and each["pid"] == process and each["tid"] == thread)  # fmt: skip

    def spans(name: str) -> list[tuple[float, float]]:
        found = (each for each in trace if each["name"] == name and each["ph"] == "X" and each["pid"] == process)
        return sorted((each["ts"] / 1e3, each.get("dur", 0) / 1e3) for each in found)

    pressed = sorted(each["ts"] / 1e3 for each in keys)
    frames, activations = spans("ProxyMain::BeginMainFrame"), spans("LayerTreeHostImpl::ActivateSyncTree")
    found: Steps = {part: [] for part in PARTS}
    for start, end in zip(pressed, [*pressed[1:], float("inf")], strict=True):
        frame = next(((at, took) for at, took in frames if start <= at < end), None)
        if frame is None:
            continue
        done = frame[0] + frame[1]
        active = next((at for at, _ in activations if done - 1.0 <= at < end), None)
        before = busy(work, start, frame[0])
        found["before"].append(before)
        found["frame"].append(frame[1])
        if active is not None:
            found["raster"].append(max(0.0, active - done))
            found["whole"].append(before + frame[1] + found["raster"][-1])
    return found


def busy(work: list[tuple[float, float]], start: float, end: float) -> float:
    """Return for how long something was done from `start` to `end`; spans of work, in order, may hold others."""
    total, done = 0.0, start
    for begun, ended in work:
        if start <= begun < end:
            total += max(0.0, min(ended, end) - max(begun, done))
            done = max(done, ended)
    return total


def summary(found: Steps) -> dict[str, tuple[float, float]]:
    """Return the median and the 95th percentile of each part."""
    return {part: (statistics.median(v), statistics.quantiles(v, n=20)[-1]) for part, v in found.items()}


def main() -> None:
    """Measure every depth, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--steps", type=int, default=75, metavar="N", help="steps at each of the four places")
    parser.add_argument("--dry", action="store_true", help="print the table and write nothing")
    options = parser.parse_args()
    text = viz.to_html(digit(), image=(8, 8))
    found: dict[str, dict[str, tuple[float, float]]] = {}
    with browser() as (main, page):
        agent = main("Browser.getVersion")["product"]
        for depth in DEPTHS:
            taken = steps(traced_steps(main, page, text, depth, options.steps))
            taken["slider"] = slider_moves(page, text, depth, options.steps)
            found[depth] = summary(taken)
            print(f"{depth}: {len(taken['whole'])} steps", flush=True)
    rows = [[name, *(f"{a:.1f} / {b:.1f}" for a, b in parts.values())] for name, parts in found.items()]
    header = [f"64-30-10, {agent}", "before the frame, ms", "frame, ms", "raster, ms", "whole step, ms", "slider, ms"]
    print(table(header, rows))
    if not options.dry:
        record("explorer", {"found": found, "browser": agent, "steps": 4 * options.steps})
        write_section("explorer", table(header, rows))


if __name__ == "__main__":
    main()
