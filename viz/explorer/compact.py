"""Scripts and styles without what only people need: comments, and spaces that separate nothing.

Names and lines stay, so that the script of a page can be read. Strings, templates and regular expressions are kept as
they are.
"""

from __future__ import annotations

import re

__all__ = ["compact_script", "compact_style"]

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<space>\s+)
    | (?P<word>[\w$]+)
    | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")


def compact_script(text: str) -> str:
    r"""Return JavaScript without comments and needless spaces.

    Example:
        >>> print(compact_script("const a = { b: 1 }; // one\nreturn a + +b / 2;"))
        const a={b:1};return a+ +b/2;
        >>> print(compact_script("const f = (x) => x, g = (x, y) => (z) => x;"))
        const f=x=>x,g=(x,y)=>z=>x;
        >>> print(compact_script("if (a) { b = 1; } else { while (c()); }"))
        if(a){b=1}else{while(c());}
        >>> print(compact_script("for (const x of y) { f(0.5); g(x, 10.25); }"))
        for(const x of y){f(.5);g(x,10.25)}
    """
    found: list[str] = []
    before: list[str] = []
    gap, at, heads = "", 0, False
    while at < len(text):
        last = found[-1] if found else ";"
        if text[at] == "`":
            token = text[at : _template_end(text, at)]
        elif (
            text[at] == "/"
            and text[at + 1] not in "/*"
            and last[-1] in "(,=:[!&|?{};+>"
            and (regex := _REGEX.match(text, at))
        ):
            token = regex[0]
        else:
            match = next(_TOKEN.finditer(text, at))
            token = match[0]
            if match.lastgroup in ("space", "comment"):
                gap = "\n" if "\n" in token or gap == "\n" else " "
                at += len(token)
                continue
        if token == "(":
            before.append(last)
        if token == ")":
            heads = before.pop() in ("if", "for", "while")
        if token == "}" and last == ";" and not (found[-2] == ")" and heads):  # an empty statement stays
            found.pop()
        if token == "." and last == "0" and text[at + 1].isdigit() and not found[-2][-1:].isalnum():
            found.pop()
        if gap == "\n" and last[-1] not in "{(,;[":
            found.append("\n")
        elif gap and _joins(last[-1], token[0]):
            found.append(" ")
        found.append(token)
        gap = ""
        at += len(token)
        if token == ">" and found[-2:-1] == ["="]:
            _without_brackets(found)
    return "".join(found)


def compact_style(text: str) -> str:
    r"""Return a style sheet without comments and needless spaces.

    Example:
        >>> compact_style("/* a */\n.a > b:not(.c) { color: red; width: calc(1px + 2px); }")
        '.a > b:not(.c){color:red;width:calc(1px + 2px)}'
    """
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    return re.sub(r";?\s*([{}])\s*|\s*(;|,)\s*|(?<=[\w-])(:)\s+", lambda m: m[1] or m[2] or m[3], text).strip()


def _without_brackets(found: list[str]) -> None:
    """Write the one parameter of a function without brackets: `(x)=>` as `x=>`."""
    if len(found) > 5 and found[-5] == "(" and found[-3] == ")" and found[-4].isidentifier():
        found[-5:-2] = [" " if _joins(found[-6][-1], found[-4][0]) else "", found[-4]]


def _joins(before: str, after: str) -> bool:
    """Return whether two characters would be read as one token, or an operator as another."""
    word = re.compile(r"[\w$]")
    return bool(word.match(before) and word.match(after)) or (before == after and before in "+-")


def _template_end(text: str, start: int) -> int:
    """Return where a template ends that begins at `start`, with what is in its placeholders."""
    at = start + 1
    while text[at] != "`":
        if text[at] == "\\":
            at += 1
        elif text.startswith("${", at):
            at, depth = at + 2, 1
            while depth:
                if text[at] == "`":
                    at = _template_end(text, at)
                    continue
                if text[at] in "\"'":
                    at = text.index(text[at], at + 1)
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
            continue
        at += 1
    return at + 1
