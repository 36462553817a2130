"""Moved edits: a statement that adds instead of setting, is left out, or comes later."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from .edits import Moved
from .session import Session
from .sites import Site, span_of
from .watch import Unreadable

__all__ = ["moved_edits"]


def moved_edits(session: Session) -> Iterator[Moved]:
    """Yield the changes of statements that may mend something, for the functions that were reached."""
    for code, _ in session.watch.functions.values():
        try:
            node, _top = session.watch.source(code.co_filename).function(code)
        except Unreadable:
            continue
        if isinstance(node, ast.Lambda):
            continue
        loops = [part for part in ast.walk(node) if isinstance(part, (ast.For, ast.While))]
        set_before: set[str] = set()
        for block in _blocks(node):
            for k, statement in enumerate(block):
                site = _site_in(session, code.co_filename, statement)
                if site is not None:
                    looped = any(part is statement for loop in loops for part in ast.walk(loop))
                    again = isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) in set_before
                    yield from _of_statement(site, block, k, looped or again)
                if isinstance(statement, ast.Assign):
                    set_before |= {ast.unparse(target) for target in statement.targets}


def _site_in(session: Session, file: str, statement: ast.stmt) -> Site | None:
    first = span_of(statement)
    return next((s for s in session.sites if s.file == file and span_of(s.statement) == first), None)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for part in ast.walk(node):
        for name in ("body", "orelse"):
            block = getattr(part, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _of_statement(site: Site, block: list[ast.stmt], k: int, looped: bool) -> Iterator[Moved]:
    statement = block[k]
    if isinstance(statement, ast.AugAssign):
        signs: dict[type[ast.operator], str] = {ast.Add: "-=", ast.Sub: "+="}
        if (sign := signs.get(type(statement.op))) is not None:
            yield _augmented(site, statement, sign, 1.15)
        yield Moved(
            site, f"without {ast.unparse(statement)}", "left out", 1.6, _deleting(site, statement), _passing(statement),
            span_of(statement),
        )  # fmt: skip
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], (ast.Name, ast.Subscript)) and looped:
        for sign in ("+=", "-="):
            yield _augmented(site, statement, sign, 1.3)
    if _is_in_place(statement):
        for j in range(k + 1, len(block)):
            last = j + 1 == len(block) or isinstance(block[j + 1], ast.Return)
            if not isinstance(block[j], ast.Return) and (j == k + 1 or last):
                text = f"after line {block[j].end_lineno}"
                lines = _moving(statement, block[j])
                cost = 1.5 + 0.05 * (j - k)
                yield Moved(site, text, "order", cost, _later(site, statement, j - k), lines, span_of(statement))


def _augmented(site: Site, statement: ast.Assign | ast.AugAssign, sign: str, cost: float) -> Moved:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    text = f"{ast.unparse(target)} {sign} {ast.unparse(statement.value)}"
    operator = ast.Add() if sign == "+=" else ast.Sub()

    def change(block: list[ast.stmt], k: int) -> None:
        found = block[k]
        if isinstance(found, (ast.Assign, ast.AugAssign)):
            where = found.targets[0] if isinstance(found, ast.Assign) else found.target
            if isinstance(where, (ast.Name, ast.Subscript, ast.Attribute)):
                block[k] = ast.copy_location(ast.AugAssign(where, operator, found.value), found)

    def lines(given: list[str]) -> list[str]:
        """Exchange the sign between target and value, which stand in one line."""
        row, end = target.end_lineno or target.lineno, target.end_col_offset or 0
        begin = statement.value.col_offset
        text_line = given[row - 1].encode()
        if statement.value.lineno != row:
            raise ValueError("the value begins in another line")
        between = text_line[end:begin].decode()
        old = between.strip().split("=")[0] + "="
        changed = text_line[:end].decode() + between.replace(old, sign, 1) + text_line[begin:].decode()
        return [*given[: row - 1], changed, *given[row:]]

    return Moved(site, text, "statement", cost, _in_block(site, statement, change), lines, span_of(statement))


def _deleting(site: Site, statement: ast.stmt) -> Callable[[str, ast.AST], None]:
    def change(block: list[ast.stmt], k: int) -> None:
        block[k] = ast.copy_location(ast.Pass(), block[k])

    return _in_block(site, statement, change)


def _passing(statement: ast.stmt) -> Callable[[list[str]], list[str]]:
    def lines(given: list[str]) -> list[str]:
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        indent = given[first][: statement.col_offset]
        return [*given[:first], f"{indent}pass\n", *["\n"] * (last - first - 1), *given[last:]]

    return lines


def _later(site: Site, statement: ast.stmt, steps: int) -> Callable[[str, ast.AST], None]:
    def change(block: list[ast.stmt], k: int) -> None:
        if k + steps < len(block):
            block.insert(k + steps, block.pop(k))

    return _in_block(site, statement, change)


def _moving(statement: ast.stmt, last: ast.stmt) -> Callable[[list[str]], list[str]]:
    def lines(given: list[str]) -> list[str]:
        first, end = statement.lineno - 1, statement.end_lineno or statement.lineno
        after = last.end_lineno or last.lineno
        return [*given[:first], *given[end:after], *given[first:end], *given[after:]]

    return lines


def _in_block(
    site: Site, statement: ast.stmt, change: Callable[[list[ast.stmt], int], None]
) -> Callable[[str, ast.AST], None]:
    """Return the change of the statement at a place, in a copy of the tree."""
    place = span_of(statement)

    def apply(file: str, node: ast.AST) -> None:
        if file != site.file:
            return
        for block in _blocks(node):
            for k, found in enumerate(block):
                if span_of(found) == place:
                    change(block, k)
                    return

    return apply


def _is_in_place(statement: ast.stmt) -> bool:
    """Return whether a statement changes something that a later one may need as it was."""
    if isinstance(statement, ast.AugAssign):
        return True
    if isinstance(statement, ast.For):
        return any(isinstance(part, ast.AugAssign) for part in ast.walk(statement))
    if not isinstance(statement, ast.Assign):
        return False
    target = statement.targets[0]
    base = target
    while isinstance(base, (ast.Subscript, ast.Attribute)):
        base = base.value
    name = base.id if isinstance(base, ast.Name) else None
    return name is not None and any(
        isinstance(part, ast.Name) and part.id == name for part in ast.walk(statement.value)
    )
