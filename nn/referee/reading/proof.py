"""The proof: the corrected text, compiled in the place of the user's and run on other networks."""

from __future__ import annotations

import ast
import copy
import itertools
import types
from collections.abc import Sequence

from .edits import Edit, Known, Moved
from .guard import Halt, Refused, passed_over
from .known import known_edits, state_edits
from .probes import Key, Probe, Verdicts
from .session import Session
from .sites import Site, Span, constants, span_of
from .watch import Source, Watch, exchanged

__all__ = ["corrected_lines", "counterpart", "pasted", "replayed", "verdicts_when_pasted"]


def corrected_lines(watch: Watch, file: str, edits: Sequence[Edit]) -> list[str] | None:
    """Return the lines of a file with the edits pasted in; None if one cannot be written.

    The number of lines stays the same.
    """
    source = watch.source(file)
    lines = list(source.lines)
    written = [edit for edit in edits if edit.site.file == file and not isinstance(edit, Moved)]
    if any(isinstance(edit, Known) for edit in written):
        return None
    spans = sorted((edit.site.span for edit in written), reverse=True)
    for later, earlier in itertools.pairwise(spans):
        if earlier[2:] > later[:2]:
            return None  # one change within another
    for edit in sorted(written, key=lambda edit: edit.site.span, reverse=True):
        pasted_lines = pasted(source, lines, edit.site.node, edit.text)
        if pasted_lines is None:
            return None
        lines = pasted_lines
    moved = [edit for edit in edits if edit.site.file == file and isinstance(edit, Moved)]
    for edit in moved:
        try:
            lines = edit.lines(lines)
        except ValueError:
            return None
    return lines


def pasted(source: Source, lines: list[str], node: ast.expr, text: str) -> list[str] | None:
    """Return the lines with a text in the place of an expression, in parentheses if it would read otherwise."""
    span = span_of(node)
    bare = _spliced(lines, span, text)
    statement = _statement_around(source.tree, node)
    if statement is None:
        return None
    wanted = ast.dump(_with(statement, node, ast.parse(text, mode="eval").body))
    for candidate in (bare, _spliced(lines, span, f"({text})")):
        try:
            tree = ast.parse("".join(candidate))
        except SyntaxError:
            continue
        found = [
            part for part in ast.walk(tree) if type(part) is type(statement) and _begins(part) == _begins(statement)
        ]
        if any(ast.dump(part) == wanted for part in found) or (source.lines != lines and found):
            return candidate
    return None


def _begins(node: ast.AST) -> tuple[int, int]:
    return span_of(node)[:2]


def _statement_around(tree: ast.Module, node: ast.expr) -> ast.stmt | None:
    """Return the innermost statement that an expression is in."""
    around = [
        part for part in ast.walk(tree) if isinstance(part, ast.stmt) and any(inner is node for inner in ast.walk(part))
    ]
    return max(around, key=_begins, default=None)


def _with(statement: ast.stmt, node: ast.expr, new: ast.expr) -> ast.AST:
    """Return a copy of a statement with another expression in the place of one."""

    class Exchange(ast.NodeTransformer):
        def visit(self, part: ast.AST) -> ast.AST:
            return new if span_of(part) == span_of(node) and type(part) is type(node) else self.generic_visit(part)

    return Exchange().visit(copy.deepcopy(statement))


def _spliced(lines: list[str], span: Span, text: str) -> list[str]:
    first, begin, last, end = span
    before = lines[first - 1].encode()[:begin].decode()
    after = lines[last - 1].encode()[end:].decode()
    return [*lines[: first - 1], before + text + after, *lines[last:]]


def verdicts_when_pasted(watch: Watch, edits: Sequence[Edit], probes: Sequence[Probe]) -> list[Verdicts | None]:
    """Return the verdicts on the corrected text, compiled and run on each probe; None where it cannot be."""
    codes: dict[types.FunctionType, types.CodeType] = {}
    for file in {edit.site.file for edit in edits}:
        lines = corrected_lines(watch, file, edits)
        if lines is None:
            return [None] * len(probes)
        old, new = _codes("".join(watch.source(file).lines), file), _codes("".join(lines), file)
        if [code.co_name for code in old] != [code.co_name for code in new]:
            return [None] * len(probes)
        for function, (code, _) in watch.functions.items():
            if code.co_filename == file:
                same = [k for k, other in enumerate(old) if _is_same(other, code)]
                if len(same) != 1 or set(new[same[0]].co_freevars) != set(code.co_freevars):
                    return [None] * len(probes)
                codes[function] = new[same[0]]
    found: list[Verdicts | None] = []
    with exchanged(codes):
        for probe in probes:
            try:
                found.append(probe.verdicts(probe.run()))
            except Refused:
                raise
            except (Exception, Halt) as error:  # whatever a changed function raises
                passed_over(error)
                found.append(None)
    return found


def _codes(text: str, file: str) -> list[types.CodeType]:
    try:
        return list(constants(compile(text, file, "exec", dont_inherit=True)))
    except SyntaxError:
        return []


def _is_same(one: types.CodeType, other: types.CodeType) -> bool:
    places = list(one.co_positions()) == list(other.co_positions())
    return one.co_name == other.co_name and one.co_firstlineno == other.co_firstlineno and places


def replayed(session: Session, edits: Sequence[Edit], probe: Probe) -> Verdicts | None:
    """Return the verdicts with the same edits on another probe; known quantities are those of its network."""
    moved = [edit for edit in edits if isinstance(edit, Moved)]
    others = [edit for edit in edits if not isinstance(edit, Moved)]
    watch = session.watch
    if moved:
        changes = tuple(edit.change for edit in moved)
        watch = Watch(tuple(watch.functions), (*watch.changes, *changes), earlier=watch)
    try:
        there = Session(probe, watch)
        for edit in others:
            if not isinstance(edit, Known):
                there.accept([edit])
                continue
            found = counterpart(there, edit, edit.site)
            if found is None:
                return None
            there.accept([found])
        return there.verdicts
    except Refused:
        raise
    except (Exception, Halt) as error:  # whatever a changed function raises
        passed_over(error)
        return None


def counterpart(session: Session, edit: Known, site: Site) -> Edit | None:
    """Return the known edit that does the same at a site of another session, that which mends most of several."""
    if site.number not in session.visits:
        return None
    if edit.kind == "state":
        same = [other for other in state_edits(session, site) if other.text == edit.text]
    else:
        same = known_edits(session, site, shapes_are_wrong=True, only=(edit.text, edit.kind))
    best: tuple[int, Edit] | None = None
    for other in same:
        verdicts = session.judged(other)
        if verdicts is not None and (best is None or sum(verdicts.values()) > best[0]):
            best = sum(verdicts.values()), other
    return best[1] if best else None


def holds(verdicts: Verdicts | None, mended: frozenset[Key]) -> bool:
    """Return whether the arrays that an edit makes right are right."""
    return verdicts is not None and all(verdicts.get(key, True) for key in mended)
