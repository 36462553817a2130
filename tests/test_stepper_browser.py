"""The stepper in a real browser, driven by real events."""

import html
import importlib.util
import re
import shutil
import sys
import time
from pathlib import Path

import pytest

import viz
from autograd import Value, affine, relu, tanh, total
from viz.style import numeral

sys.path.insert(0, str(Path(__file__).parent))
from hostile import HOSTILE

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("selenium"), reason="selenium is not installed"),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no chromium with its chromedriver"),
]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,800",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def show(browser, tmp_path):
    """Open a page and, at the end, find nothing in the console."""

    def opened(page: str, fragment: str = ""):
        path = tmp_path / "page.html"
        path.write_text(page, encoding="utf-8")
        browser.get("about:blank")
        browser.get(path.as_uri() + fragment)
        return browser

    browser.get_log("browser")
    yield opened
    assert [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")] == []


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def network() -> Value:
    """Two inputs, three hidden neurons written as chains, two outputs with repeated use, and a shared square."""
    x = [Value(0.5, "x0"), Value(-1.5, "x1")]
    w = [[Value(0.3 * (j + 1) - 0.4 * k, f"W1[{j},{k}]") for k in range(2)] for j in range(3)]
    hidden = [tanh(sum((p * q for p, q in zip(row, x, strict=True)), Value(0.1, "b"))) for row in w]
    v = [[Value(0.2 - 0.3 * j + 0.1 * k) for k in range(3)] for j in range(2)]
    out = [relu(affine(row, hidden, Value(0.2))) for row in v]
    loss = total([(y - 1.0) * (y - 1.0) for y in out]) * 0.5 + hidden[0] * hidden[0]
    loss.label = "loss"
    return loss


def boxes(browser) -> list[dict[str, str]]:
    """What a reader sees in each box of the level that is shown."""
    return browser.execute_script("""
      const seen = (text) => text && getComputedStyle(text).display !== "none"
        && getComputedStyle(text).visibility !== "hidden" ? text.textContent : "";
      return [...document.querySelectorAll(".picture.shown .b")].map((box) => ({
        value: seen(box.querySelector(".v")),
        gradient: [...box.querySelectorAll(".g")].map(seen).filter(Boolean).join("|"),
      }));
    """)


def test_at_every_step_each_box_shows_the_numbers_of_the_engine(show):
    root = network()
    traced = viz.trace(root)
    browser = show(viz.to_html(root))
    interior = [node for node in traced.nodes if node.op]
    value = [numeral(node.data) if node.op is None and not node.is_constant else "" for node in traced.nodes]
    gradient = [""] * len(traced.nodes)
    expected = [(list(value), list(gradient))]
    for node in interior:
        value[node.index] = numeral(node.data)
        expected.append((list(value), list(gradient)))
    gradient[traced.root] = "∇ 1"
    expected.append((list(value), list(gradient)))
    for edge in traced.steps:
        gradient[edge.tail] = f"∇ {numeral(edge.after)}"
        expected.append((list(value), list(gradient)))
    for values, gradients in expected:
        shown = boxes(browser)
        assert [box["value"] for box in shown] == values
        assert [box["gradient"] for box in shown] == gradients
        press(browser, "\ue014")  # arrow right
    root.backward()
    finals = [f"∇ {numeral(node.value.grad)}" for node in traced.nodes if not node.is_constant]
    assert [box["gradient"] for box in boxes(browser) if box["gradient"]] == finals
    for values, gradients in reversed(expected):  # and all the way back
        shown = boxes(browser)
        assert [box["value"] for box in shown] == values
        assert [box["gradient"] for box in shown] == gradients
        press(browser, "\ue012")  # arrow left


def test_the_equation_has_the_numbers_of_the_contribution(show):
    root = network()
    traced = viz.trace(root)
    interior = sum(1 for node in traced.nodes if node.op)
    browser = show(viz.to_html(root), f"#step={interior + 1}")
    for edge in traced.steps:
        press(browser, "\ue014")
        line = browser.find_element("css selector", "#sums math").get_attribute("textContent")
        up, local, got = (numeral(x) for x in (edge.upstream, edge.local, edge.contribution))
        local = f"({local})" if local.startswith("−") else local
        assert line.endswith(f"={up}·{local}={got}")
        change = browser.find_element("id", "change").text
        assert change.startswith(f"{numeral(edge.before)} → {numeral(edge.after)}")
        assert numeral(edge.contribution) in browser.find_element("id", "live").get_attribute("textContent")
        assert len(browser.find_elements("css selector", ".shown .e.act")) == 1


def test_keys_buttons_slider_and_links_move_the_step(show):
    page = viz.to_html(network())
    browser = show(page, "#step=5")
    count = lambda: browser.find_element("id", "count").text  # noqa: E731  # read anew each time
    last = int(browser.find_element("id", "slider").get_attribute("max"))
    assert count() == f"5 / {last}"
    for key, step in (("\ue010", last), ("\ue011", 0), ("\ue014", 1), ("\ue00f", 11), ("\ue00e", 1), ("\ue012", 0)):
        press(browser, key)  # end, home, right, page down, page up, left
        assert count() == f"{step} / {last}"
    for button, step in (("next", 1), ("next", 2), ("back", 1), ("final", last), ("first", 0)):
        browser.find_element("id", button).click()
        assert count() == f"{step} / {last}"
    slider = browser.find_element("id", "slider")
    slider.send_keys("\ue014\ue014\ue014")
    assert count() == f"3 / {last}"
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 10).until(lambda _: browser.execute_script("return location.hash") == "#step=3")
    browser.execute_script("location.hash = '#step=7'")
    assert count() == f"7 / {last}"
    assert not browser.find_element("id", "next").get_property("disabled")


def test_play_runs_to_the_end(show):
    from selenium.webdriver.support.ui import Select

    browser = show(viz.to_html(Value(2.0, "x") * 3.0))
    Select(browser.find_element("id", "speed")).select_by_value("10")
    browser.find_element("id", "play").click()
    deadline = time.monotonic() + 60
    while browser.find_element("id", "count").text != "3 / 3" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert browser.find_element("id", "count").text == "3 / 3"
    assert browser.find_element("id", "play").get_attribute("aria-label") == "Play"


def test_pause_stops(show):
    browser = show(viz.to_html(network()))  # more than a minute of steps: it cannot end before it is stopped
    label = lambda: browser.find_element("id", "play").get_attribute("aria-label")  # noqa: E731  # read anew each time
    press(browser, " ")
    assert label() == "Pause"
    press(browser, " ")
    assert label() == "Play"


def test_levels_switch_by_button_key_and_link(show):
    root = network()
    page = viz.to_html(root)
    browser = show(page, "#step=4&level=neuron")
    shown = lambda: browser.find_element("css selector", ".picture.shown").get_attribute("aria-label")  # noqa: E731
    assert shown() == "neuron level"
    assert browser.find_element("id", "count").text.startswith("4 /")
    browser.find_elements("css selector", ".segments button")[2].click()
    assert shown() == "layer level"
    press(browser, "1")
    assert shown() == "value level"
    press(browser, "2", "\ue010")  # neurons, end
    finals = [box["gradient"] for box in boxes(browser)]
    traced = viz.trace(root)
    names = [text.text for text in browser.find_elements("css selector", ".shown .b text:first-of-type")]
    by_name = {node.name: numeral(node.adjoint) for node in traced.nodes}
    assert {"x0", "x1"} <= set(names)
    for name, final in zip(names, finals, strict=True):
        if name in by_name:
            assert final == f"∇ {by_name[name]}"


def test_search_marks_what_it_finds(show):
    browser = show(viz.to_html(network()))
    press(browser, "/", "W1[2")
    assert browser.find_element("id", "found").text == "2 found"
    assert len(browser.find_elements("css selector", ".shown .b.hit")) == 2
    press(browser, "\ue007", "\ue00c")  # enter, escape
    assert browser.find_elements("css selector", ".shown .b.hit") == []
    assert browser.find_element("id", "found").text == ""


def test_search_finds_operations_too(show):
    from selenium.webdriver.common.keys import Keys

    root = network()
    traced = viz.trace(root)
    browser = show(viz.to_html(root))

    def found(wanted: str) -> int:
        press(browser, Keys.ESCAPE, "/", wanted)
        return len(browser.find_elements("css selector", ".shown .b.hit"))

    for op in ("tanh", "mul", "affine"):
        assert found(op) == sum(1 for node in traced.nodes if node.op and node.op.name == op) > 0
    assert found("anh") == 0  # the beginning of an operation finds it, so that a letter does not find them all
    press(browser, Keys.ESCAPE, "2")
    assert found("tanh") == 3
    assert found("relu") == 2
    press(browser, Keys.ESCAPE, "3")
    assert found("relu") == 1


def test_zoom_and_pan(show):
    from selenium.webdriver.common.action_chains import ActionChains

    browser = show(viz.to_html(network()))
    wide = lambda: float(browser.find_element("css selector", ".shown svg").get_attribute("width"))  # noqa: E731
    before = wide()
    press(browser, "+", "+", "+", "+")
    assert wide() > 2.0 * before
    stage = browser.find_element("css selector", ".stage")
    scrolled = stage.get_property("scrollLeft")
    ActionChains(browser).move_to_element(stage).click_and_hold().move_by_offset(-120, 0).release().perform()
    assert stage.get_property("scrollLeft") == pytest.approx(scrolled + 120, abs=2)
    press(browser, "0")
    assert wide() == pytest.approx(before)


def test_the_theme_can_be_changed_and_follows_the_system(show):
    browser = show(viz.to_html(Value(2.0, "x") * 3.0))
    ground = lambda: browser.execute_script("return getComputedStyle(document.body).backgroundColor")  # noqa: E731
    assert ground() == "rgb(255, 255, 255)"
    browser.find_element("id", "theme").click()
    assert ground() == "rgb(20, 23, 26)"
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    browser.refresh()
    assert ground() == "rgb(20, 23, 26)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_print_and_reduced_motion(show):
    browser = show(viz.to_html(network()))
    still = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", still)
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    assert browser.execute_script(style, ".stage", "scrollBehavior") == "auto"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": []})
    assert browser.execute_script(style, ".controls", "display") == "none"
    finals = [box["gradient"] for box in boxes(browser) if box["gradient"]]
    assert finals == [f"∇ {numeral(n.adjoint)}" for n in viz.trace(network()).nodes if not n.is_constant]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def test_without_javascript_the_page_is_the_finished_picture(show, browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(viz.to_html(network()))
        texts = [text for text in browser.find_elements("css selector", ".picture.shown .g") if text.is_displayed()]
        finals = [f"∇ {numeral(n.adjoint)}" for n in viz.trace(network()).nodes if not n.is_constant]
        assert [text.text for text in texts] == finals
        assert not browser.find_element("css selector", ".controls").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.mark.parametrize("level", ["value", "neuron", "layer"])
def test_nothing_overlaps_and_nothing_leaves_its_box(show, level):
    browser = show(viz.to_html(network()), f"#step=1000&level={level}")
    faults = browser.execute_script("""
      const box = (element) => element.getBoundingClientRect();
      const apart = (a, b) => a.right <= b.left + .5 || b.right <= a.left + .5
        || a.bottom <= b.top + .5 || b.bottom <= a.top + .5;
      const svg = document.querySelector(".picture.shown"), faults = [];
      const rects = [...svg.querySelectorAll(".b rect")].map(box);
      const labels = [...svg.querySelectorAll(".e text")].map(box);
      svg.querySelectorAll(".b").forEach((group) => {
        const outer = box(group.querySelector("rect"));
        const texts = [...group.querySelectorAll("text")].filter((t) => getComputedStyle(t).visibility !== "hidden");
        for (const text of texts) {
          const inner = box(text);
          if (inner.left < outer.left || inner.right > outer.right || inner.top < outer.top
            || inner.bottom > outer.bottom) faults.push("leaves its box: " + text.textContent);
        }
        texts.forEach((a, i) => texts.slice(i + 1).forEach((b) => {
          if (box(a).top === box(b).top && !apart(box(a), box(b))) faults.push("on top: " + b.textContent);
        }));
      });
      const all = [...rects, ...labels];
      all.forEach((a, i) => all.slice(i + 1).forEach((b) => { if (!apart(a, b)) faults.push("overlap " + i); }));
      return faults;
    """)
    assert faults == []


def test_hostile_labels_do_nothing(show):
    from selenium.common.exceptions import NoAlertPresentException

    x = [Value(float(k), label) for k, label in enumerate(HOSTILE)]
    root = total(x)
    root.label = "</script><script>alert(1)</script>"
    browser = show(viz.to_html(root), "#step=20")
    assert len(boxes(browser)) == len(HOSTILE) + 1
    assert len(browser.find_elements("css selector", "script")) == 2
    press(browser, "\ue010")
    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert
    assert browser.execute_script("return document.querySelectorAll('b, img, a').length") == 1  # the phase's name


def test_the_page_may_load_nothing_and_run_nothing_else(show):
    page = viz.to_html(network())
    assert re.search(r"(src|href)\s*=", page) is None
    assert "://" not in page.replace("http://www.w3.org/1998/Math/MathML", "")
    browser = show(page.replace("<main", "<script>document.title = 'broken in'</script><main", 1))
    assert browser.title == "Both passes of loss"
    log = browser.get_log("browser")
    assert any("Content Security Policy" in entry["message"] for entry in log)


def test_in_a_notebook_it_runs_in_a_sandboxed_frame(show):
    frame = viz.to_html(network())._repr_html_()
    browser = show(f"<!doctype html><html><body>{frame}{frame}</body></html>")
    assert html.escape("<main") in frame
    for element in browser.find_elements("css selector", "iframe"):
        browser.switch_to.frame(element)
        browser.find_element("id", "next").click()
        assert browser.find_element("id", "count").text.startswith("1 /")
        browser.switch_to.default_content()


# --- large pictures -----------------------------------------------------------------------------------


def deep_network(*widths: int) -> Value:
    """A network whose sums are written out, so that it has many Values."""
    a = [Value(0.1 * k - 0.3, f"x{k}") for k in range(widths[0])]
    for layer, width in enumerate(widths[1:]):
        b = [Value(0.01 * j) for j in range(width)]
        rows = [[Value(0.3 - 0.05 * ((3 * j + 5 * k + layer) % 11)) for k in range(len(a))] for j in range(width)]
        a = [tanh(sum((w * v for w, v in zip(row, a, strict=True)), b[j])) for j, row in enumerate(rows)]
    return total([y * y for y in a])


COUNT = """
  window.changed = new Set();
  new MutationObserver((records) => records.forEach(({ target }) => changed.add(target)))
    .observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
"""
"""Collects the elements that a page changes."""


def changed(browser) -> tuple[int, int]:
    """How many elements changed since the last time, all and those of the picture."""
    return tuple(
        browser.execute_script("""
      const all = [...changed], inside = all.filter((element) => element.closest && element.closest(".picture"));
      changed.clear();
      return [all.length, inside.length];
    """)
    )


def test_a_step_touches_a_handful_of_elements_however_large_the_graph(show):
    """What is left of "within a frame" without looking at a clock: the work of a step does not grow with the graph."""
    most = []
    for widths in ((3, 4, 2), (8, 12, 10, 4)):
        root = deep_network(*widths)
        interior = sum(1 for node in viz.trace(root).nodes if node.op)
        browser = show(viz.to_html(root), f"#step={interior // 2}")
        browser.execute_script(COUNT)
        counts = []
        for start in (interior // 2, interior + 10):
            browser.execute_script(f"location.hash = '#step={start}'")
            changed(browser)
            for key in ["\ue014"] * 20 + ["\ue012"] * 20:
                press(browser, key)
                counts.append(changed(browser))
        most.append((max(every for every, _ in counts), max(inside for _, inside in counts)))
    assert most[0][1] <= 16  # arrows and boxes of this step and of the one before, and the texts of two gradients
    assert most[1][1] <= 16
    assert most[1][0] <= most[0][0] + 2
    assert all(inside for _, inside in counts)


def test_in_a_large_picture_every_step_is_seen_at_once(show):
    browser = show(viz.to_html(deep_network(8, 12, 6)), "#step=300")
    for _ in range(12):
        press(browser, "\ue014")
        seen = browser.execute_async_script("""
          const done = arguments[0];
          requestAnimationFrame(() => requestAnimationFrame(() => {  // the frame that shows the step
            const box = document.querySelector(".b.gets rect, .b.now rect").getBoundingClientRect();
            const at = document.elementFromPoint(box.x + box.width / 2, box.y + 4);
            done(Boolean(at && at.closest(".gets, .now")));
          }));
        """)
        assert seen


def test_in_a_large_picture_boxes_arrows_and_numbers_belong_together(show):
    """There they are drawn by their places, so their order is not that of the graph."""
    root = deep_network(8, 12, 6)
    traced = viz.trace(root)
    browser = show(viz.to_html(root))
    press(browser, "\ue010")
    names = [text.text for text in browser.find_elements("css selector", ".shown .b text:first-of-type")]
    gradient = {traced.name(node.index): f"∇ {numeral(node.adjoint)}" for node in traced.nodes if not node.is_constant}
    value = {traced.name(node.index): numeral(node.data) for node in traced.nodes if not node.is_constant}
    assert sorted(names) == sorted(value)
    assert names != list(value)
    for name, box in zip(names, boxes(browser), strict=True):
        assert (box["value"], box["gradient"]) == (value[name], gradient[name])
    for _ in range(30):
        press(browser, "\ue012")
        apart = browser.execute_script("""
          const [edge, gives, gets] = [".e.act path", ".b.gives rect", ".b.gets rect"].map(
            (which) => document.querySelector(".shown " + which).getBoundingClientRect());
          return [Math.abs(edge.left - gets.right), Math.abs(edge.right - gives.left)];
        """)
        assert max(apart) < 3.0  # pixels: the arrow runs from one box to the other


def test_in_a_large_picture_the_tip_of_a_line_turns_with_the_pass(show):
    """There tips are parts of the lines: at the end of those still to come, at the start of those gone back."""
    root = deep_network(8, 12, 6)
    steps = len(viz.trace(root).steps)
    browser = show(viz.to_html(root))
    read = """
      return [...document.querySelectorAll(".shown .e")].map((edge) => {
        const line = edge.querySelector("path"), [x, y] = line.getAttribute("d").match(/-?[0-9.]+/g).map(Number);
        const drawn = line.getPointAtLength(0.3), tip = [drawn.x - x, drawn.y - y].map(Math.round);  // where it begins
        return [edge.classList.contains("done"), `${tip}` === "6,-3"];
      });
    """
    press(browser, "\ue010")  # the end
    tips = browser.execute_script(read)
    assert sum(done for done, _ in tips) == steps
    assert all(back == done for done, back in tips)
    press(browser, *["\ue012"] * 5)
    tips = browser.execute_script(read)
    assert sum(done for done, _ in tips) == steps - 5
    assert all(back == done for done, back in tips)


def test_the_equation_of_a_step_is_never_cut_off(show):
    browser = show(viz.to_html(network(), digits=17), "#step=1")
    for level in "123":
        press(browser, level)
        last = int(browser.find_element("id", "slider").get_attribute("max"))
        for step in range(0, last + 1, 1 if level != "1" else 5):
            browser.execute_script(f"location.hash = '#step={step}'")
            over = browser.execute_script("""
              const [tell, sums] = [document.getElementById("tell"), document.getElementById("sums")];
              return [tell.scrollHeight - tell.clientHeight, sums.scrollHeight - sums.clientHeight];
            """)
            assert max(over) <= 2  # pixels: heights are rounded
