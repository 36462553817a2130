"""An extension of griffe: examples in docstrings are code on the site, whichever way they are introduced."""

import re
from typing import Any

import griffe

__all__ = ["ExampleSections"]


class ExampleSections(griffe.Extension):
    """Reads "Example:", and prompts without a heading, as the section that griffe calls "Examples:"."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite one docstring before it is parsed."""
        if obj.docstring is not None:
            obj.docstring.value = with_sections(obj.docstring.value)


def with_sections(text: str) -> str:
    """Return a docstring whose examples stand in a section of their own."""
    text = re.sub(r"^Example:$", "Examples:", text, flags=re.MULTILINE)
    lines = text.split("\n")
    bare = next((k for k, line in enumerate(lines) if line.startswith(">>> ")), None)
    if bare is None:
        return text
    end = next((k for k, line in enumerate(lines[bare:], bare) if not line), len(lines))
    block = ["    " + line for line in lines[bare:end]]
    return "\n".join([*lines[:bare], "Examples:", *block, *lines[end:]])
