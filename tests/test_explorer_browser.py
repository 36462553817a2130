"""The explorer in a real browser, driven by real events."""

import base64
import html
import importlib.util
import random
import re
import shutil
from pathlib import Path

import pytest

import nn
import viz
from autograd import Op, Value
from tests.explorer_pages import CASES, case, page_of
from tests.hostile import HOSTILE
from viz.style import numeral

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("selenium"), reason="selenium is not installed"),
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="there is no chromium with its chromedriver"),
]

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
SIZES = {
    "1280×800": (1280, 800, False),
    "1440×900": (1440, 900, False),
    "1920×1080": (1920, 1080, False),
    "phone": (390, 844, True),
}
MANY = """const count = document.querySelectorAll("*").length;
  if (count > 1500) bad.push(`${count} elements`);
  return bad;"""
AUDIT = Path(__file__).with_name("explorer_audit.js").read_text(encoding="utf-8")
LEFT, RIGHT, HOME, END, ESCAPE, SHIFT = "\ue012", "\ue014", "\ue011", "\ue010", "\ue00c", "\ue008"
SAME = 1e-12
LIT = "return [...explorer.stage.items].filter(([, s]) => s.g && s.g.classList.contains('lit')).map(([key]) => key)"


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
    """Open a page, without flights, and at the end find nothing in the console."""

    def opened(page: str, fragment: str = "", size: str = "1280×800"):
        width, height, mobile = SIZES[size]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        still = [
            {"name": "prefers-reduced-motion", "value": "reduce"},
            {"name": "prefers-color-scheme", "value": "light"},
        ]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": still})
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


def point_at(browser, element):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).move_to_element(element).perform()


def state(browser):
    return browser.execute_script("return [explorer.depth, explorer.p, explorer.clock.length]")


def cell_of(browser, key, index):
    """Where the middle of a cell is in the window."""
    return browser.execute_script(
        """const g = explorer.stage.items.get(arguments[0]).goal;
        const box = document.querySelector(".stage").getBoundingClientRect();
        return [Math.round(box.left + g[4 * arguments[1]]), Math.round(box.top + g[4 * arguments[1] + 1])];""",
        key,
        index,
    )


def pointer(browser, *places, down=True):
    """Move through places of the window, with the button held between the first and the last one."""
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    actions = ActionBuilder(browser)
    actions.pointer_action.move_to_location(*places[0])
    if down:
        actions.pointer_action.pointer_down()
        for place in places[1:]:
            actions.pointer_action.move_to_location(*place)
        actions.pointer_action.pointer_up()
    actions.perform()


# --- how it looks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("face", ["system", "monospace"])
def test_nothing_overlaps_nothing_is_cut_off_and_no_line_lies_behind_a_card(show, size, face):
    """At every depth and five moments of every page, also in a face that is wider than most."""
    found = []
    for name in CASES:
        browser = show(page_of(name), size=size)
        if face == "monospace":
            browser.execute_script(
                """const { style } = document.documentElement;
                style.setProperty("--sans", "monospace");
                style.setProperty("--math", "DejaVu Serif");
                explorer.render();"""
            )
        for depth in browser.execute_script("return explorer.depths"):
            for moment in (0, 0.3, 0.55, 0.75, 1):
                bad = browser.execute_script(
                    "explorer.depth = arguments[0]; explorer.set(Math.round(explorer.clock.length * arguments[1]));"
                    + AUDIT.replace("return bad;", MANY),
                    depth,
                    moment,
                )
                found += [(name, depth, moment, *bad)] if bad else []
        assert not browser.execute_script("return document.documentElement.scrollWidth > innerWidth")
    assert found == []


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", ["1280×800", "phone"])
def test_the_first_picture_fits_its_place(show, name, size):
    browser = show(page_of(name), size=size)
    stage, page, shown = browser.execute_script(
        """const box = (e) => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; };
        const stage = document.querySelector(".stage"), drawn = [...stage.querySelectorAll(".canvas > g")].map(box);
        return [box(stage), [innerWidth, innerHeight], drawn.filter((b) => b[2] > b[0])];"""
    )
    assert stage[2] <= page[0]
    assert stage[3] <= page[1]
    assert size == "phone" or browser.execute_script("return document.documentElement.scrollHeight <= innerHeight")
    assert shown
    for left, top, right, bottom in shown:
        assert left >= stage[0] - 1
        assert top >= stage[1] - 1
        assert right <= stage[2] + 1
        assert bottom <= stage[3] + 1


@pytest.mark.parametrize("size", ["1280×800", "phone"])
def test_equations_are_not_cut_off(show, size):
    for name in CASES:
        browser = show(page_of(name), size=size)
        cut = browser.execute_script(
            """return [...document.querySelectorAll(".eq")].filter((e) => e.scrollWidth > e.clientWidth + 1)
              .map((e) => e.textContent);"""
        )
        assert cut == [], name
        assert browser.execute_script(
            "const e = document.querySelector('.say .words'); return e.scrollWidth <= e.clientWidth + 1"
        ), name


def test_a_change_of_depth_is_a_flight_of_the_same_cells_unless_motion_is_unwanted(show):
    browser = show(page_of("small"))
    count = """const cells = explorer.stage.items.get("W1");
        explorer.go(arguments[0]);
        return [!!cells.from, explorer.stage.items.get("W1") === cells];"""
    assert browser.execute_script(count, "layer") == [False, True]
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "", "features": [{"name": "prefers-reduced-motion", "value": "no-preference"}]},
    )
    assert browser.execute_script(count, "network") == [True, True]
    wait = "const done = arguments[0]; setTimeout(() => done(!!explorer.stage.items.get('W1').from), 1500);"
    assert browser.execute_async_script(wait) is False


def test_the_theme_follows_the_system_until_it_is_chosen(show):
    browser = show(page_of("small"))
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = browser.execute_script(ground)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": "", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    dark = browser.execute_script(ground)
    assert light != dark
    press(browser, "t")
    assert browser.execute_script(ground) == light
    press(browser, "t")
    assert browser.execute_script(ground) == dark


def test_it_prints_on_one_or_two_pages(show):
    for name in ("digit", "small", "attention"):
        browser = show(page_of(name))
        pdf = base64.b64decode(
            browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]
        )
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) in (1, 2), name


def test_without_javascript_the_finished_picture_the_equations_and_the_numbers_are_there(show, browser):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(page_of("small"))
        text = browser.find_element("css selector", "body").text
        assert "0.019614258760583776" in text
        assert browser.find_element("css selector", ".fallback svg").is_displayed()
        assert browser.find_element("css selector", ".eq math").is_displayed()
        assert not browser.find_element("css selector", ".clock").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


WRITTEN = """
  const wrong = [], { stage } = explorer, svg = "http://www.w3.org/2000/svg";
  for (const e of document.querySelectorAll("*")) if (e.written && !e.matches(".lens")) {
    const fresh = e.cloneNode(false);
    fresh.innerHTML = e.written.markup;
    if (fresh.innerHTML !== e.innerHTML) wrong.push(`${e.innerHTML} in place of ${fresh.innerHTML}`);
  }
  const drawn = () => Object.fromEntries([...stage.items].map(([key, s]) => [key, (s.g || s.e).cloneNode(true)]));
  const inside = (e) => [...e.children].map((child) => child.outerHTML).sort().join("");
  const shape = (e) => [inside(e), e.getAttribute("class"), e.getAttribute("transform"), e.style.cssText].join();
  const layers = [stage.back, stage.cells, stage.front, stage.labels];
  const before = drawn(), count = layers.reduce((n, e) => n + e.childElementCount, 0);
  if (count !== stage.items.size) wrong.push(`${count} elements for ${stage.items.size} items`);
  for (const e of layers) e.replaceChildren();
  stage.items.clear();
  explorer.render();
  const after = drawn();
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [one, two] = [before[key], after[key]].map((e) => (e ? shape(e) : "nothing"));
    if (one !== two) wrong.push(`${key}: ${one} in place of ${two}`);
  }
  return wrong;"""


@pytest.mark.parametrize("name", ["small", "digit", "residual_layers", "lstm", "batch"])
def test_what_steps_have_changed_is_what_would_be_drawn_anew(show, name):
    """Elements stay and are written to, and serve again for others; nothing of what they showed before is left."""
    browser, rng = show(page_of(name)), random.Random(3)
    act = """const [kind, x] = arguments, leaf = explorer.model.leaves[Math.floor(x * explorer.model.leaves.length)];
      if (kind === "step") explorer.move(x < 0.7 ? 1 : -1);
      if (kind === "place") explorer.set(Math.round(x * explorer.clock.length));
      if (kind === "depth") explorer.go(explorer.depths[Math.floor(x * explorer.depths.length)]);
      if (kind === "pick") { explorer.picked = leaf; explorer.render(); }
      if (kind === "put") { explorer.model.put(leaf, 4 * x - 2); explorer.render(); }"""
    for _ in range(25):
        for _ in range(6):
            browser.execute_script(
                act, rng.choice(["step", "step", "step", "place", "depth", "pick", "put"]), rng.random()
            )
        assert browser.execute_script(WRITTEN) == []


def test_a_layer_without_a_function_is_called_by_its_sums_everywhere(show):
    """The picture, its tips and its sentences use the letters a and z of the equations, and no others."""
    model = nn.MLP(2, [3, 2, 1], activation=["identity", "tanh", "identity"], seed=0)
    root = nn.half_squared_error(model([Value(0.5, "x[0]"), Value(-1.0, "x[1]")]), [1.0])
    for page in (str(viz.to_html(root)), page_of("small"), page_of("digit"), page_of("wide")):
        browser = show(page)
        used = browser.execute_script(
            """const letter = (e) => e.firstChild.textContent + e.lastChild.textContent;
            const letters = (root) => [...root.querySelectorAll("msup, msubsup")].map(letter);
            const page = new Set(), tip = document.createElement("p");
            const add = (e) => letters(e).forEach((x) => page.add(x));
            for (const depth of explorer.depths) {
              explorer.go(depth);
              const { stops } = explorer;
              for (let k = 0; k < stops.length; k += Math.ceil(stops.length / 60)) {
                explorer.set(stops[k]);
                for (const e of document.querySelectorAll(".stage, .say")) add(e);
              }
            }
            for (const { l } of explorer.model.layers)
              for (const key of ["a", "da", "z"]) { tip.innerHTML = explorer.blockMarkup(key + l); add(tip); }
            const equations = new Set([...document.querySelectorAll(".eq")].flatMap(letters));
            const own = (x) => /^[az]\\d+$/.test(x);
            return [[...page].filter(own).sort(), [...equations].filter(own).sort()];"""
        )
        assert used[0] == used[1]


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_at_every_step_each_card_shows_the_numbers_of_the_engine(show):
    root = case("expression").root
    traced = viz.trace(root)
    browser = show(page_of("expression"))
    press(browser, HOME)
    cards = """const text = (card, part) => card.querySelector(part).textContent;
        const pair = (card) => [text(card, ".value"), text(card, ".gradient")];
        return [...document.querySelectorAll(".card")].map(pair);"""
    value = [numeral(node.data) if node.op is None else "" for node in traced.nodes]
    gradient = [""] * len(traced.nodes)
    expected = [[list(pair) for pair in zip(value, gradient, strict=True)]]
    for node in traced.nodes:
        if node.op:
            value[node.index] = numeral(node.data)
            expected.append([list(pair) for pair in zip(value, gradient, strict=True)])
    gradient[traced.root] = "1"
    expected.append([list(pair) for pair in zip(value, gradient, strict=True)])
    for edge in traced.steps:
        gradient[edge.tail] = numeral(edge.after)
        expected.append([list(pair) for pair in zip(value, gradient, strict=True)])
    for step in expected:
        assert browser.execute_script(cards) == step
        press(browser, RIGHT)
    for step in reversed(expected):  # and all the way back
        assert browser.execute_script(cards) == step
        press(browser, LEFT)


def recorded(root, values):
    """The gradients of the engine for other leaves."""
    traced, made = viz.trace(root), []
    for node in traced.nodes:
        if node.op is None:
            made.append(values[node.index] if node.is_constant else Value(values[node.index]))
        else:
            operands = [made[traced.edges[k].tail] for k in node.edges_in]
            made.append(node.op(operands) if node.op.arity is None else node.op(*operands))
    made[traced.root].backward()
    return made


@pytest.mark.parametrize("name", CASES)
def test_sliders_and_steps_leave_every_number_that_of_the_engine(show, name):
    browser = show(page_of(name))
    rng = random.Random(0)
    slide = """const [leaf, x] = arguments;
      explorer.picked = leaf;
      explorer.render();
      const s = explorer.panel.whatIf.slider;
      s.value = Math.max(s.min, Math.min(s.max, x)); s.dispatchEvent(new Event("input", { bubbles: true }));"""
    leaves = browser.execute_script("return explorer.model.leaves")
    for _ in range(10):
        browser.execute_script(slide, rng.choice(leaves), rng.uniform(-1.0, 1.0))
    browser.execute_script("document.getElementById('step10').click()")
    values, adjoints = browser.execute_script("return [[...explorer.model.tape.v], [...explorer.model.tape.g]]")
    for node, value, adjoint in zip(recorded(case(name).root, values), values, adjoints, strict=True):
        if isinstance(node, Value):
            assert abs(value - node.data) <= SAME * max(1.0, abs(node.data))
            assert abs(adjoint - node.grad) <= SAME * max(1.0, abs(node.grad))
    browser.execute_script("document.getElementById('reset').click()")
    start = browser.execute_script("return [...explorer.model.tape.v]")
    assert start == pytest.approx([node.data for node in viz.trace(case(name).root).nodes], rel=SAME)


def test_the_curve_of_a_slider_is_the_output_for_other_values_of_its_leaf(show):
    """Also when the slider itself, another leaf, or all of them have been moved meanwhile."""
    browser = show(page_of("one_neuron"))
    curve = """const { whatIf } = explorer.panel, { tape } = explorer.model, { low, high } = whatIf.range;
      const drawn = [...whatIf.ys];
      return [drawn, tape.probe(whatIf.leaf, drawn.map((_, k) => low + ((high - low) * k) / (drawn.length - 1)))];"""
    slide = """const { slider } = explorer.panel.whatIf;
      slider.value = +slider.min + arguments[0] * (slider.max - slider.min);
      slider.dispatchEvent(new Event("input"));"""
    pick = "explorer.pick(explorer.model.leaves[arguments[0]], false)"
    put = "explorer.model.put(explorer.model.leaves[2], arguments[0]); explorer.render()"
    click = "document.getElementById(arguments[0]).click()"
    acts = [
        (slide, 0.1),
        (slide, 0.9),
        (pick, 1),
        (slide, 0.3),
        (put, 0.7),
        (pick, 0),
        (click, "step"),
        (click, "wiggle"),
        (click, "reset"),
    ]
    for act, argument in acts:
        browser.execute_script(act, argument)
        drawn, expected = browser.execute_script(curve)
        assert drawn == pytest.approx(expected, rel=SAME), act


def test_a_wiggle_agrees_with_the_gradient(show):
    browser = show(page_of("small"))
    browser.find_element("id", "wiggle").click()
    quotient, gradient = (float(b.text.replace("−", "-")) for b in browser.find_elements("css selector", "#wiggled b"))
    assert quotient == pytest.approx(gradient, rel=1e-3)


def test_painting_on_an_image_changes_both_passes(show):
    browser = show(page_of("digit"))
    before = browser.execute_script("return [explorer.model.cost, [...explorer.model.blocks.dW1.d]]")
    pointer(browser, *(cell_of(browser, "x", k) for k in (26, 27, 28)))
    values, cost, gradient = browser.execute_script(
        "return [[...explorer.model.tape.v], explorer.model.cost, [...explorer.model.blocks.dW1.d]]"
    )
    assert cost != before[0]
    assert gradient != before[1]
    root = case("digit").root
    traced = viz.trace(root)
    assert cost == pytest.approx(recorded(root, values)[traced.root].data, rel=SAME)


def test_a_finger_paints_on_an_image_and_the_page_stays(show):
    browser = show(page_of("digit"), size="phone")
    before = browser.execute_script("return explorer.model.blocks.x.d[24]")
    (left, y), (right, _) = (cell_of(browser, "x", k) for k in (24, 31))
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        for k in range(15):
            kind, x = "touchMove" if k else "touchStart", left + (right - left) * k / 14
            browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    finally:
        browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
    pixels, painting = browser.execute_script(
        "return [[...explorer.model.blocks.x.d.slice(24, 32)], explorer.painting || null]"
    )
    assert pixels == [float(before <= 0.5)] * 8
    assert painting is None


def test_an_operation_of_the_users_own_freezes_the_page_and_it_says_why(show):
    cube = Op("cube", forward=lambda x: x**3, partials=(lambda out, x: 3.0 * x**2,))
    browser = show(str(viz.to_html(cube(Value(2.0, "x")) * 2.0)))
    assert "this page has no JavaScript for cube" in browser.find_element("css selector", ".whatif").text
    assert browser.execute_script("return explorer.model.tape.g[0]") == 24.0


# --- the clock -------------------------------------------------------------------------------------------------------


def test_keys_move_the_clock_and_a_change_of_depth_keeps_its_place(show):
    browser = show(page_of("small"))
    length = state(browser)[2]
    assert state(browser) == ["network", length, length]  # a page opens on the finished picture
    press(browser, HOME)
    assert state(browser)[1] == 0
    press(browser, RIGHT, RIGHT)
    at = state(browser)[1]
    assert at == browser.execute_script("return explorer.clock.phases[1].end")
    for key, depth in (("2", "layer"), ("3", "neuron"), ("4", "scalars"), ("1", "network")):
        press(browser, key)
        assert state(browser)[:2] == [depth, at]
    press(browser, "4", RIGHT)
    assert state(browser)[1] == at + 1
    press(browser, END)
    assert state(browser)[1] == length
    press(browser, LEFT)
    assert state(browser)[1] == length - 1


def test_everything_can_be_reached_by_tab(show):
    browser = show(page_of("batch"))
    name = "const name = (e) => e.id || e.dataset.depth || e.dataset.example || e.dataset.eq || e.className;"
    seen = (
        "[...document.querySelectorAll('button, input, [tabindex=\"0\"]')].filter((e) => e.offsetParent && !e.disabled)"
    )
    wanted = set(browser.execute_script(f"{name} return {seen}.map(name);"))
    reached = set()
    browser.execute_script("document.activeElement.blur()")
    for _ in range(len(wanted) * 2):
        press(browser, "\ue004")
        reached.add(browser.execute_script(f"{name} return name(document.activeElement);"))
    assert wanted <= reached


def test_every_step_is_said_aloud(show):
    browser = show(page_of("small"))
    press(browser, HOME)
    said = set()
    steps = browser.execute_script("return explorer.stops.length - 1")
    for _ in range(steps):
        press(browser, RIGHT)
        said.add(browser.execute_script("return document.getElementById('live').textContent"))
    assert len(said) == steps > 12
    assert all(said)


def test_of_an_equation_only_what_has_been_computed_is_shown(show):
    browser = show(page_of("attention"))
    shown = """const { model, stage } = explorer;
      const names = (id) => [...walkTerms(model.set.meanings[id].term)].flatMap((t) => t.family ?? []);
      const items = [...stage.items.values()].map((s) => s.item).filter((item) => item && item.term !== undefined);
      return items.map((item) => [!item.known || item.known(0, 0), names(item.term)]);"""
    press(browser, HOME)
    leaves = set(browser.execute_script("return explorer.model.set.families.flatMap((f, n) => (f.nodes ? [n] : []))"))
    assert all(seen == (set(names) <= leaves) for seen, names in browser.execute_script(shown))
    press(browser, END)
    assert all(seen for seen, _ in browser.execute_script(shown))


def test_play_runs_and_pauses(show):
    browser = show(page_of("expression"))
    browser.find_element("id", "play").click()
    wait = "const done = arguments[0]; setTimeout(() => done(explorer.p), 2600);"
    assert browser.execute_async_script(wait) > 1
    browser.find_element("id", "play").click()
    at = state(browser)[1]
    assert browser.execute_async_script(wait) == at


def test_help_opens_and_closes_by_key(show):
    browser = show(page_of("small"))
    box = browser.find_element("css selector", ".help")
    press(browser, "?")
    assert box.is_displayed()
    press(browser, ESCAPE)
    assert not box.is_displayed()


# --- equations and picture -------------------------------------------------------------------------------------------


def test_after_a_term_the_lens_shows_the_number_again_that_it_showed_before(show):
    browser = show(page_of("small"))
    lens = "return document.querySelector('.lens').innerHTML"
    before = browser.execute_script(lens)
    term = browser.find_element("css selector", ".eq [data-t]")
    point_at(browser, term)
    assert browser.execute_script(lens) != before
    point_at(browser, browser.find_element("css selector", "h1"))
    assert browser.execute_script(lens) == before


def test_cells_that_come_while_a_term_is_pointed_at_are_lit_too(show):
    browser = show(page_of("small"), "#depth=neuron&step=a1")
    term = browser.find_element("css selector", "[data-eq='2'] [data-t]:has(~ mi), [data-eq='2'] .t:last-child")
    point_at(browser, term)
    for depth in ("network", "layer", "neuron", "layer"):
        browser.execute_script("explorer.go(arguments[0])", depth)
        again = "explorer.stage.light(explorer.panel.blocksOf(explorer.panel.term));"
        browser.execute_script("explorer.render()")
        assert sorted(browser.execute_script(LIT)) == sorted(browser.execute_script(again + LIT))


def test_a_term_lights_its_cells_and_the_lens_shows_its_numbers(show):
    browser = show(page_of("small"), "#depth=layer")
    term = next(e for e in browser.find_elements("css selector", ".eq .t.l") if e.is_displayed())
    point_at(browser, term)
    lit = browser.execute_script(LIT)
    assert lit == ["slope1"]
    numbers = [e.text for e in browser.find_elements("css selector", ".lens svg text")]
    slope = browser.execute_script("return [...explorer.model.blocks.slope1.d]")
    assert [float(text.replace("−", "-")) for text in numbers] == pytest.approx(slope, rel=1e-4)
    browser.execute_script("explorer.panel.point(document.querySelector('.eq .t.l').parentElement.closest('[data-t]'))")
    lit = set(browser.execute_script(LIT))  # of the product that it is a factor of
    assert {"W2", "delta2", "slope1"} <= lit
    assert not {"z1", "a1"} & lit


@pytest.mark.parametrize("size", ["1280×800", "phone"])
def test_no_number_is_too_long_for_the_lens(show, size):
    a, b, c, d = (
        Value(number, name) for name, number in zip("abcd", (-1.2345e-5, 98765.432, 5.4321e-4, -7.1e-9), strict=True)
    )
    lines = str(viz.to_html(sum((a * each).tanh() * -4.5678e-7 for each in (b, c, d, a + 1234.5)).exp()))
    for page in (lines, *map(page_of, ("small", "batch", "attention"))):
        browser = show(page, size=size)
        cut = browser.execute_script(
            """const lens = document.querySelector(".lens"), cut = [];
            for (let i = 0; i < explorer.model.tape.n; i++) {
              explorer.picked = i;
              explorer.panel.term = null;
              explorer.panel.lensOfNode(i);
              for (const e of [lens, ...lens.querySelectorAll("p")])
                if (e.scrollWidth > e.clientWidth + 1) cut.push(e.textContent);
            }
            return cut;"""
        )
        assert cut == []


@pytest.mark.parametrize("name", ["small", "digit", "batch", "attention", "residual"])
def test_the_lens_has_a_place_for_every_term(show, name):
    browser = show(page_of(name))
    count = browser.execute_script(
        """let n = 0;
        for (const e of document.querySelectorAll(".equations:not([hidden]) [data-t]")) {
          explorer.panel.point(e);
          const { r, c } = explorer.panel.shownTerm, want = explorer.model.numbers(explorer.panel.term);
          if (r !== want.r || c !== want.c || !document.querySelector(".lens svg path")) return -1;
          n++;
        }
        return n;"""
    )
    assert count > 10


def test_a_cell_marks_its_terms(show):
    browser = show(page_of("small"), "#depth=layer")
    pointer(browser, cell_of(browser, "W2", 0), down=False)
    marked = {e.text for e in browser.find_elements("css selector", ".eq .from")}
    assert marked
    assert all("W" in text for text in marked)
    assert browser.find_element("css selector", ".tip-box").is_displayed()


def test_an_equation_sets_the_clock(show):
    browser = show(page_of("small"))
    for row in browser.find_elements("css selector", ".eq"):
        row.click()
        phase = browser.execute_script("return explorer.clock.at(explorer.p).phase.equation")
        assert phase == int(row.get_attribute("data-eq"))


def test_a_click_goes_to_the_neuron_and_on_to_its_scalars(show):
    browser = show(page_of("three_layers"))
    pointer(browser, cell_of(browser, "a1", 3))
    assert state(browser)[0] == "neuron"
    assert browser.execute_script("return [explorer.focus.l, explorer.focus.j]") == [1, 3]
    press(browser, "4")
    assert browser.execute_script("return explorer.model.tape.name[explorer.focus.node]") == "z1[3]"


def test_examples_of_a_batch_are_chosen_by_button(show):
    browser = show(page_of("batch"))
    whole = browser.execute_script("return explorer.model.cost")
    costs = []
    for k in range(4):
        browser.find_element("css selector", f'[data-example="{k}"]').click()
        costs.append(browser.execute_script("return explorer.model.cost"))
        assert browser.execute_script("return explorer.model.blocks.a1.c") == 1
    assert sum(costs) / 4.0 == pytest.approx(whole, rel=SAME)
    browser.find_element("css selector", '[data-example="-1"]').click()
    assert browser.execute_script("return explorer.model.blocks.a1.c") == 4


@pytest.mark.parametrize("depth", ["neuron", "scalars"])
def test_examples_are_chosen_below_the_layers_too_and_arrows_within_the_choice_are_its_own(show, depth):
    browser = show(page_of("batch"))
    browser.execute_script(f"explorer.go('{depth}')")
    select = browser.find_element("css selector", ".crumbs select")
    assert select.is_displayed()
    assert [option.text for option in select.find_elements("tag name", "option")] == [
        *("0 xor 0", "0 xor 1", "1 xor 0", "1 xor 1"),
        "mean",
    ]
    before = browser.execute_script("return [explorer.focus.l, explorer.focus.j]")
    select.send_keys("1 xor 0")
    assert browser.execute_script("return [explorer.model.example, explorer.depth]") == [2, depth]
    assert browser.execute_script("return Array.from(explorer.model.blocks.x.d)") == [1, 0]
    select.send_keys("\ue015")  # the arrow down
    assert browser.execute_script("return explorer.model.example") == 3
    assert browser.execute_script("return document.activeElement.tagName") == "SELECT"
    assert browser.execute_script("return [explorer.focus.l, explorer.focus.j]") == before
    browser.execute_script("explorer.go('network')")
    assert not select.is_displayed()


def test_a_small_graph_is_shown_whole_among_its_scalars(show):
    browser = show(page_of("small"))
    browser.execute_script("explorer.go('scalars')")
    scene = "explorer.scenes.scalars"
    assert browser.execute_script(f"return [{scene}.folded, {scene}.plan.nodes.length]") == [
        False,
        len(viz.trace(case("small").root).nodes),
    ]


@pytest.mark.parametrize("size", ["1280×800", "phone"])
@pytest.mark.parametrize("name", ["small", "digit", "residual_layers", "lstm", "unstructured"])
def test_among_the_scalars_both_ends_of_a_step_are_shown_and_large_enough(show, name, size):
    browser = show(page_of(name), "#depth=scalars", size)
    found = browser.execute_script(
        """const { stops } = explorer, { scalars } = explorer.scenes, bad = [];
        for (let k = 1; k < stops.length; k += Math.ceil(stops.length / 150)) {
          explorer.set(stops[k]);
          const { now, plan } = scalars, { edge, node } = now, ends = edge ? [edge.tail, edge.head] : [node];
          for (const end of ends) if (!plan.nodes.includes(end)) bad.push(`${stops[k]}: no ${end}`);
          if (plan.k < 0.6) bad.push(`${stops[k]}: ${plan.k}`);
        }
        return bad;"""
    )
    assert found == []


def test_the_way_back_stands_after_a_visit_to_another_depth(show):
    browser = show(page_of("three_layers"))
    for depth in ("neuron", "network", "neuron"):
        browser.execute_script(f"explorer.go('{depth}')")
    browser.find_element("css selector", '.crumbs [data-go="layer"]').click()
    assert state(browser)[0] == "layer"


def test_a_node_with_several_uses_stays_in_place_while_its_contributions_add_up(show):
    browser = show(page_of("three_layers"))
    browser.execute_script("explorer.go('scalars')")
    browser.execute_script("explorer.set(explorer.clock.byKey.da1.at + 1)")
    name = browser.execute_script("return explorer.model.tape.name[explorer.focus.node]")
    assert name == "a1[0]"
    place = "return explorer.scenes.scalars.spots.get(explorer.focus.node).map(Math.round)"
    first = browser.execute_script(place)
    for _ in range(5):  # one from each neuron of the next layer
        press(browser, "\ue014")
        assert browser.execute_script("return explorer.model.tape.name[explorer.focus.node]") == name
        now = browser.execute_script("return explorer.scenes.scalars.now.edge.head")
        assert browser.execute_script(f"return explorer.scenes.scalars.spots.has({now})")
    assert len(first) == 4


# --- what it may do --------------------------------------------------------------------------------------------------


def test_hostile_labels_do_nothing(show):
    for start in range(0, len(HOSTILE), 8):
        root = Value(1.0, "start")
        for k, label in enumerate(HOSTILE[start : start + 8]):
            root = (root * Value(0.5 + 0.1 * k, label) + Value(0.1, f"{label}[0]")).tanh()
            root.label = label
        browser = show(str(viz.to_html(root, title=HOSTILE[start])))
        before = browser.execute_script("return document.scripts.length")
        for depth in browser.execute_script("return explorer.depths"):
            browser.execute_script("explorer.go(arguments[0])", depth)
        for node in range(browser.execute_script("return explorer.model.tape.n")):
            browser.execute_script(
                """explorer.picked = arguments[0];
                explorer.render();
                explorer.tip(explorer.nameMarkup(arguments[0]), 9, 9);""",
                node,
            )
        press(browser, HOME, RIGHT, RIGHT)
        assert browser.execute_script(
            "return [document.scripts.length, document.querySelectorAll('.stage b b, img, iframe').length]"
        ) == [before, 0]


def test_the_page_may_load_nothing_and_run_nothing_else(browser, show):
    show(page_of("small"))
    broken = browser.execute_async_script(
        """const done = arguments[0], found = [];
        document.addEventListener("securitypolicyviolation", (e) => found.push(e.effectiveDirective));
        document.body.append(Object.assign(new Image(), { src: "https://example.org/x.png" }));
        document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = true" }));
        const e = document.createElement("p"); e.innerHTML = '<i style="color: red">x</i>'; document.body.append(e);
        setTimeout(() => done([found, !!window.ran]), 300);"""
    )
    assert broken[1] is False
    assert {"img-src", "script-src-elem", "style-src-attr"} <= set(broken[0])
    browser.get_log("browser")  # it says so in the console


def test_in_a_notebook_it_runs_in_a_sandboxed_frame(show):
    frame = viz.to_html(case("small").root)._repr_html_()
    browser = show(f'<!doctype html><meta charset="utf-8"><div style="width:720px">{frame}</div>')
    browser.switch_to.frame(0)
    try:
        assert browser.execute_script("return explorer.stage.size[0] > 300")
        assert "0.0196" in browser.execute_script(
            "return document.querySelector('.numbers').closest('.canvas').textContent"
        )
    finally:
        browser.switch_to.default_content()
    assert html.unescape(frame).count("<!doctype html>") == 1


def test_the_picture_is_saved_as_svg(show):
    browser = show(page_of("small"))
    text = browser.execute_async_script(
        """const done = arguments[0], make = URL.createObjectURL;
        HTMLAnchorElement.prototype.click = function () {};
        URL.createObjectURL = (blob) => { blob.text().then(done); return make(blob); };
        document.getElementById("save").click();"""
    )
    assert text.startswith("<svg")
    assert "0.624" in text
    assert "--v-fill: #2b7de0" in text


# --- residual networks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["residual", "residual_layers", "residual_blocks"])
def test_a_skip_is_drawn_at_the_depths_of_layers_with_what_comes_back_on_it(show, name):
    browser = show(page_of(name))
    skips = "return explorer.model.joins.flatMap((join) => join.around.map((key) => [join.key, key]))"
    assert browser.execute_script(skips)
    for depth in ("network", "layer"):
        press(browser, "1" if depth == "network" else "2")
        for join, key in browser.execute_script(skips):
            shown, numbers, known = browser.execute_script(
                """const [join, key] = arguments, name = `${join}>${key}`, item = explorer.stage.items.get(name);
                return [item && !!item.box(), [...explorer.model.blocks[name].d], explorer.known(name) === null];""",
                join,
                key,
            )
            assert known
            assert any(numbers)
            assert shown or depth == "layer", (depth, join, key)  # what is folded away has no arc
        assert browser.execute_script("return document.querySelectorAll('.stage .skip.g').length")
    press(browser, HOME)
    assert not browser.execute_script("return document.querySelectorAll('.stage .skip.g').length")


def test_a_sentence_tells_what_comes_through_a_layer_and_what_around_it(show):
    browser = show(page_of("residual"), "#depth=layer&step=da1.1")
    through, around, both = (
        float(b.text.replace("−", "-")) for b in browser.find_elements("css selector", ".say .words > b.g")
    )
    assert through + around == pytest.approx(both, rel=1e-3)
    blocks = "return [explorer.model.blocks['in3>a1'].d[1], explorer.model.blocks.da1.d[1]]"
    assert browser.execute_script(blocks) == pytest.approx([around, both], rel=1e-3)


def test_a_neuron_shows_what_each_neuron_gives_back_and_what_comes_around(show):
    browser = show(page_of("residual"), "#depth=neuron&layer=1&neuron=2")
    parts, total = browser.execute_script(
        """const { weighed, other } = explorer.model.arriving("a1", 2);
        return [[weighed, other.map(([, x]) => x)], explorer.model.blocks.da1.d[2]];"""
    )
    assert [len(own) for own in parts] == [4, 1]
    assert sum(map(sum, parts)) == pytest.approx(total, rel=SAME)
    assert "sum" in [e.text for e in browser.find_elements("css selector", ".canvas .barnumber")]


# --- what is folded --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "depth"), [("very_deep", "network"), ("very_deep", "layer"), ("deep_and_broad", "network")]
)
def test_all_layers_of_a_folded_network_can_be_reached_by_key_and_by_button(show, name, depth):
    browser = show(page_of(name), f"#depth={depth}")
    part = "return explorer.scene.part"
    total = browser.execute_script("return explorer.model.layers.length")
    seen = set()
    for _ in range(total):
        first, last = browser.execute_script(part)
        seen.update(range(first, last + 1))
        press(browser, "\ue013")
    assert browser.execute_script(part)[0] == 1
    assert browser.find_elements("css selector", '[data-pan="-1"]') == []
    hidden = name == "deep_and_broad"  # of tiles the last layer, the answers, is always there
    assert seen == set(range(1, total + 1)) - ({total} if hidden else set())
    while buttons := browser.find_elements("css selector", '[data-pan="1"]'):
        buttons[0].click()
    assert browser.execute_script(part)[1] == total - hidden


# --- by keyboard alone -----------------------------------------------------------------------------------------------


def test_every_leaf_and_every_term_can_be_reached_by_key_and_is_said(show):
    browser = show(page_of("small"))
    live = "return document.getElementById('live').textContent"
    leaves = browser.execute_script("return explorer.model.leaves")
    picked, said = set(), set()
    for _ in leaves:
        press(browser, "]")
        picked.add(browser.execute_script("return explorer.panel.whatIf.leaf"))
        said.add(browser.execute_script(live))
    assert picked == set(leaves)
    assert len(said) == len(leaves)
    press(browser, "[")
    assert browser.execute_script("return explorer.picked") in leaves
    row = next(
        e for e in browser.find_elements("css selector", ".eq") if len(e.find_elements("css selector", "[data-t]")) > 4
    )
    browser.execute_script("arguments[0].focus()", row)
    terms = set()
    for _ in range(40):
        press(browser, "]")
        terms.add(browser.execute_script("return explorer.panel.term.id"))
    wanted = browser.execute_script(
        "return [...arguments[0].querySelectorAll('[data-t]')].map((e) => +e.dataset.t)", row
    )
    assert terms >= set(wanted[1:])
    press(browser, "4")
    nodes = set()
    for _ in range(browser.execute_script("return explorer.model.tape.n")):
        browser.execute_script("document.activeElement.blur()")
        press(browser, "]")
        nodes.add(browser.execute_script("return explorer.picked"))
    assert len(nodes) == browser.execute_script("return explorer.model.tape.constant.filter((c) => !c).length")
