"""The explorer in Firefox and in WebKit: that it draws, computes and moves there as in Chromium."""

import importlib.util
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from tests.explorer_pages import CASES, page_of
from tests.firefox import PROGRAM, Firefox

AUDIT = Path(__file__).with_name("explorer_audit.js").read_text(encoding="utf-8")
WEBKIT = shutil.which("WebKitWebDriver")
MINIBROWSER = next(iter(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser")), None)
XVFB = shutil.which("Xvfb")
RIGHT, HOME, END = "\ue014", "\ue011", "\ue010"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("selenium"), reason="selenium is not installed"),
]


class WebKit:
    """WebKit's own small browser, on a screen of its own."""

    def __init__(self) -> None:
        from selenium.webdriver import WebKitGTK
        from selenium.webdriver.webkitgtk.options import Options
        from selenium.webdriver.webkitgtk.service import Service

        read, write = os.pipe()
        command = [XVFB, "-displayfd", str(write), "-screen", "0", "1400x900x24"]
        self.screen = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
        number = os.read(read, 8).decode().strip()
        options = Options()
        options.binary_location = str(MINIBROWSER)
        options.add_argument("--automation")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of selenium, about a call of its own
            service = Service(WEBKIT, env={**os.environ, "DISPLAY": f":{number}"})
            self.driver = WebKitGTK(options=options, service=service)
        self.log: list[str] = []

    def __getattr__(self, name):
        return getattr(self.driver, name)

    def press(self, *keys) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def quit(self) -> None:
        self.driver.quit()
        self.screen.terminate()
        self.screen.wait()


@pytest.fixture(scope="module", params=["Firefox", "WebKit"])
def browser(request, tmp_path_factory):
    if request.param == "Firefox":
        if not PROGRAM:
            pytest.skip("there is no firefox")
        driver = Firefox(tmp_path_factory.mktemp("profile"))
    else:
        if not (WEBKIT and MINIBROWSER and XVFB):
            pytest.skip("there is no WebKit with its driver and Xvfb")
        driver = WebKit()
    driver.set_window_size(1280, 800)
    yield driver
    driver.quit()


@pytest.mark.parametrize("name", CASES)
def test_every_page_is_drawn_and_computes_and_says_nothing_on_the_console(browser, name, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of(name), encoding="utf-8")
    browser.log.clear()
    browser.get(path.as_uri())
    found = []
    for depth in browser.execute_script("return explorer.depths"):
        for moment in (0, 0.3, 0.55, 0.75, 1):
            place = f"explorer.depth = {depth!r}; explorer.set(Math.round(explorer.clock.length * {moment}));"
            found += [(depth, moment, *bad)] if (bad := browser.execute_script(place + AUDIT)) else []
    assert found == []
    assert browser.log == []


def test_keys_sliders_and_steps_work(browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of("small"), encoding="utf-8")
    browser.get(path.as_uri())
    browser.press(HOME)
    assert browser.execute_script("return explorer.p") == 0
    browser.press(RIGHT, RIGHT)
    at = browser.execute_script("return [explorer.p, explorer.clock.phases[1].end]")
    assert at[0] == at[1]
    browser.press("2")
    assert browser.execute_script("return explorer.depth") == "layer"
    browser.press(END)
    before, moved, stepped = browser.execute_script(
        """const cost = [explorer.model.cost], { slider } = explorer.panel.whatIf;
        slider.value = +slider.value + 0.25;
        slider.dispatchEvent(new Event("input"));
        cost.push(explorer.model.cost);
        document.getElementById("step10").click();
        return [...cost, explorer.model.cost];"""
    )
    assert moved != before
    assert stepped < moved
    text = browser.execute_script("return document.querySelector('.eq math').textContent")
    assert "z" in text
