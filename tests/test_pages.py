"""The pages of the documentation print what they say, and their equations parse."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scripts import ROOT, script

DOCS = ROOT / "docs"
run_pages = script("docs/run_pages.py")

PAGES = {page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in run_pages.pages()}
FENCE = re.compile(r'^```(\S*)(?: title="[^"\n]*")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
RUN = ("```pycon", "```console", "<!-- derived")
EQUATION = re.compile(r"\\\[(.*?)\\\]|\\\((.*?)\\\)", re.DOTALL)


@pytest.mark.parametrize("page", [page for page, text in PAGES.items() if any(mark in text for mark in RUN)])
def test_every_block_of_a_page_prints_what_stands_there(page):
    """After a deliberate change: run `python docs/run_pages.py`, and read the pages before committing."""
    assert run_pages.rewritten(PAGES[page]) == PAGES[page]


def test_every_block_of_code_is_run():
    """Python and commands by the test above, together with the files that they work on.

    What a shell runs stands in the README, too, whose commands .ci/run takes. Not run are the measurements of time
    and of planted faults, which take long: their scripts have tests of their own.
    """
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = [(page, kind, block) for page, text in PAGES.items() for kind, block in FENCE.findall(text)]
    assert len(blocks) > 40
    files = {match["body"] for text in PAGES.values() for match in run_pages.BLOCK.finditer(text) if match["file"]}
    left = [
        (page, kind)
        for page, kind, block in blocks
        if kind not in ("pycon", "console") and block not in files and block not in readme
    ]
    measurements = {("performance.md", "bash"), ("testing.md", "bash")}
    need_an_extra = {
        ("cluster.md", "python"),
        ("newton.md", "python"),
        ("recipes.md", "python"),
        ("scikit_learn.md", "python"),
    }  # their own tests run them
    assert set(left) - measurements - need_an_extra == set()


def test_what_a_page_says_wrongly_is_found():
    page = "```pycon\n>>> 1 + 1\n{}\n>>> [][0]\n{}```\n"
    raised = "Traceback (most recent call last):\n    ...\nIndexError: list index out of range\n"
    wrong, right = page.format(3, ""), page.format(2, raised)
    assert run_pages.rewritten(wrong) == right
    assert run_pages.rewritten(right) == right


def test_what_a_page_says_wrongly_of_a_command_is_found():
    page = "```console\n$ python -m nn draw x --at x=2\n{}```\n"
    right = page.format("x  2  ∇ 1\n\nx = 2\n  d/dx = 1\n")
    assert run_pages.rewritten(page.format("x = 3\n")) == right
    assert run_pages.rewritten(page.format("x = …\n")) == right
    with_anything = page.format("x  …\nx = 2\n  d/dx = …\n")
    assert run_pages.rewritten(with_anything) == with_anything


def test_a_command_of_another_program_is_refused():
    with pytest.raises(ValueError, match="python -m nn alone"):
        run_pages.rewritten("```console\n$ rm -r .\n```\n")


def test_a_page_works_in_a_folder_of_its_own_with_the_files_that_it_shows():
    page = '```text title="a.txt"\nseen\n```\n```pycon\n>>> import pathlib\n>>> {}\n```\n'
    show = "print(pathlib.Path('a.txt').read_text())"
    assert "\nseen\n" in run_pages.rewritten(page.format(show))
    assert not Path("a.txt").exists()


def test_a_derived_equation_that_is_not_what_the_program_gives_is_found():
    page = "<!-- derived: '$a$ is x.' -->\n{}\n<!-- end -->\n"
    assert run_pages.rewritten(page.format("\n\\(b\\) is x.\n")) == page.format("\n\\(a\\) is x.\n")


def test_every_document_shows_what_the_program_derives():
    derived = {page for page, text in PAGES.items() if "<!-- derived: program.latex(" in text}
    assert derived == {"from_one_scalar.md", *(page for page in PAGES if page.startswith("documents/"))} - {
        "documents/index.md"
    }


@pytest.mark.parametrize(("page", "numbers"), [("reynoso", 6), ("ml15", 5), ("mehrotra", 4)])
def test_every_numbered_equation_of_a_document_stands_beside_code(page, numbers):
    code = "".join(block for kind, block in FENCE.findall(PAGES[f"documents/{page}.md"]) if kind == "pycon")
    beside = {int(number) for comment in re.findall(r"  # (.*)", code) for number in re.findall(r"\((\d)\)", comment)}
    assert beside == set(range(1, numbers + 1))


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_of_a_table_ends_with_a_brace_that_the_site_would_take_for_attributes(page):
    cells = [cell for line in PAGES[page].splitlines() if line.startswith("|") for cell in line.split("|")]
    assert [cell for cell in cells if re.search(r"\{[^`]*[^\\`]\}\s*$", cell)] == []


def equations():
    for page, text in PAGES.items():
        prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))
        for display, inline in EQUATION.findall(prose):
            yield page, display or inline, bool(display)


PARSE = """
const katex = require(process.argv[1]);
const wrong = [];
for (const [page, tex, displayMode] of JSON.parse(require("fs").readFileSync(0, "utf8"))) {
  try { katex.renderToString(tex, { displayMode, throwOnError: true, strict: "error" }); }
  catch (error) { wrong.push(page + ": " + error.message); }
}
console.log(JSON.stringify(wrong));
"""


def not_parsed(found):
    script = str(DOCS / "katex" / "katex.min.js")
    done = subprocess.run(
        ["node", "-e", PARSE, script], input=json.dumps(found), capture_output=True, encoding="utf-8", check=True
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(not shutil.which("node"), reason="node, which runs KaTeX, is not installed")
def test_every_equation_parses():
    found = list(equations())
    assert len(found) > 30
    assert not_parsed(found) == []
    assert len(not_parsed([("page", r"\frac{1", True)])) == 1


def test_every_font_that_katex_asks_for_first_is_there():
    css = (DOCS / "katex" / "katex.min.css").read_text(encoding="utf-8")
    fonts = set(re.findall(r"fonts/(\w[\w-]*\.woff2)", css))
    assert fonts == {path.name for path in (DOCS / "katex" / "fonts").iterdir()}


def test_what_the_readme_says_of_speed_was_measured():
    """After `benchmarks/run.py`: if this fails, the README says too much."""
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    measured = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    assert "An operation costs less than a fifth of micrograd's" in readme
    assert all(measured[chain]["ratios"]["ours"]["micrograd"] < 1 / 5 for chain in ("chains", "long chain"))
    assert "the three networks measured takes less time than the same step in PyTorch, in JAX, and by hand" in readme
    networks = [section["ratios"]["compiled"] for name, section in measured.items() if name.endswith(", arrays")]
    assert len(networks) == 3
    assert all(network[peer] < 1 for network in networks for peer in ("torch", "jax", "numpy_by_hand"))


@pytest.mark.parametrize("page", PAGES)
def test_no_power_in_the_prose_of_a_page_would_be_taken_for_bold_type(page):
    prose = re.sub(r"`[^`\n]*`", "", FENCE.sub("", PAGES[page]))
    assert re.findall(r".*\w\*\*\w.*", prose) == []


NAMED = re.compile(r"`((?:autograd|nn|viz|tests|docs|benchmarks|examples|\.ci)/[\w./*-]*)`")
TEXTS = {f"docs/{page}": text for page, text in PAGES.items()}
TEXTS |= {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("*.md")}


@pytest.mark.parametrize("path", TEXTS)
def test_every_file_that_is_named_is_there(path):
    named = NAMED.findall(FENCE.sub("", TEXTS[path]))
    assert [name for name in named if not any(ROOT.glob(name.rstrip("/")))] == []
