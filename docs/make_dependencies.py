"""Write what the dependencies bring with them into docs/dependencies.md, with licences, from installed metadata.

`pip install ".[dev,viz,plot,docs,notebooks,browser]"` and then `python docs/make_dependencies.py`. What is not
installed cannot be looked at, and is an error.
"""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "dependencies.md"
SECTION = re.compile(r"(<!-- transitive: begin -->\n).*?(<!-- transitive: end -->)", re.DOTALL)

__all__ = ["direct", "licence", "transitive"]


def direct() -> dict[str, list[Requirement]]:
    """Return the requirements that the project declares: those for running under "running", and of every extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"running": project["dependencies"], **project["optional-dependencies"]}
    parsed = {group: [Requirement(text) for text in texts] for group, texts in groups.items()}
    return {group: [r for r in found if r.name != project["name"]] for group, found in parsed.items()}


def required(found: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """Yield what an installed package requires here, with these of its extras."""
    for requirement in map(Requirement, found.requires or []):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


def transitive(*, missing_ok: bool = False) -> dict[str, tuple[str, Distribution]]:
    """Return what the direct dependencies bring with them: for each package who brings it, and its metadata.

    Args:
        missing_ok: Whether to leave out what is not installed.

    Raises:
        PackageNotFoundError: If something is not installed.
    """
    queue = [(r.name, r) for requirements in direct().values() for r in requirements]
    own = {canonicalize_name(name) for name, _ in queue}
    found: dict[str, tuple[str, Distribution]] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    while queue:
        bringer, requirement = queue.pop(0)
        name = canonicalize_name(requirement.name)
        if (name, frozenset(requirement.extras)) in seen:
            continue
        seen.add((name, frozenset(requirement.extras)))
        try:
            package = distribution(requirement.name)
        except PackageNotFoundError:
            if not missing_ok:
                raise
            continue
        if name not in own:
            found.setdefault(name, (bringer, package))
        queue += [(bringer, needed) for needed in required(package, requirement.extras)]
    return found


def licence(package: Distribution) -> str:
    """Return the licence that a package declares, as an expression, in a word, or by its classifiers."""
    metadata = package.metadata
    text = metadata.get("License-Expression") or ""
    if not text:
        classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License :: ")]
        text = ", ".join(c.rpartition(" :: ")[2] for c in classifiers if not c.endswith("OSI Approved"))
    if not text:
        (text,) = (metadata.get("License") or "").strip().splitlines()[:1] or [""]
    return text


def table() -> str:
    """Return the table of what is brought along."""
    lines = ["| Package | Brought by | Looked at | Licence |", "|---|---|---|---|"]
    for name, (bringer, package) in sorted(transitive().items()):
        if not licence(package):
            raise ValueError(f"{name} {package.version} declares no licence")
        lines.append(f"| {name} | {bringer} | {package.version} | {licence(package)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    made = table()
    PAGE.write_text(SECTION.sub(lambda m: f"{m[1]}{made}\n{m[2]}", text), encoding="utf-8", newline="\n")
