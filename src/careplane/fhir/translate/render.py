"""From branches to Python text: a logical expression, an iterable, or nested statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from careplane.fhir.translate.flow import Bind, Branch, Clause, Collection, Each, Names, Test

HINT = "v"


def item(branch: Branch, names: Names, hint: str = HINT) -> Branch:
    """The same branch down to one present value: `code` is neither a list nor None."""
    var = names.fresh(hint)
    if branch.many:
        holes = branch.sibling is not None
        each = Each(var, branch.code, branch.optional, holes)
        return Branch((*branch.clauses, each), var, branch.type)
    if branch.optional:
        return Branch((*branch.clauses, Bind(var, branch.code)), var, branch.type)
    return branch


def any_of(branches: Iterable[Branch], test: Callable[[Branch], str]) -> str:
    """Python text: some value passes the test, which is written over the branch's `code`."""
    parts = [_passes(branch, test(branch)) for branch in branches]
    return _joined(" or ", parts, "False")


def exists(collection: Collection, names: Names) -> str:
    """Python text: there is a value. A primitive that has only extensions is one."""
    return any_of(collection.branches, present)


def present(branch: Branch) -> str:
    """Python text: the value at the end of this branch is there."""
    if not branch.optional:
        return "True"
    own = f"{branch.code} is not None"
    return f"({own} or {branch.sibling} is not None)" if branch.sibling else own


def _passes(branch: Branch, test: str) -> str:
    """Leading clauses become `(v := source) is not None and ...`, from the first loop on it is
    `any(... for ...)`."""
    clauses = list(branch.clauses)
    parts = []
    while clauses and not isinstance(clauses[0], Each):
        parts.append(_condition(clauses.pop(0)))
    if clauses:
        if test == "True" and isinstance(clauses[-1], Test):
            test = clauses.pop().code  # type: ignore[union-attr]  # just seen to be a Test
        parts.append(f"any({test} {_comprehension(clauses)})")
    elif test != "True" or not parts:
        parts.append(test)
    return _joined(" and ", parts, "True")


def _condition(clause: Clause) -> str:
    match clause:
        case Bind(var, source):
            return f"({var} := {source}) is not None"
        case Test(code):
            return code
    raise AssertionError(clause)


def _comprehension(clauses: Iterable[Clause]) -> str:
    return " ".join(map(_generator, clauses))


def _generator(clause: Clause) -> str:
    match clause:
        case Each(var, source, optional, holes):
            over = f"({source} or ())" if optional else source
            return f"for {var} in {over}" + (f" if {var} is not None" if holes else "")
        case Bind(var, source):
            return f"for {var} in ({source},) if {var} is not None"
        case Test(code):
            return f"if {code}"


def iterable(branches: Iterable[Branch], names: Names) -> str:
    """Python text of an iterable over the values of all branches."""
    parts = [_values(item(branch, names)) for branch in branches]
    if len(parts) == 1:
        return parts[0]
    return "(" + ", ".join(f"*{part}" for part in parts) + ("," if parts else "") + ")"


def _values(branch: Branch) -> str:
    if not branch.clauses:
        return f"({branch.code},)"
    first = branch.clauses[0]
    if not isinstance(first, Each):  # a comprehension cannot start with a condition
        return f"[{branch.code} for _ in (0,) {_comprehension(branch.clauses)}]"
    return f"[{branch.code} {_comprehension(branch.clauses)}]"


def scalar(branch: Branch, names: Names) -> str:
    """Python text of the one value, or None."""
    if branch.loops:
        return f"next(iter({iterable([branch], names)}), None)"
    if not branch.clauses:
        return branch.code
    conditions = _joined(" and ", [_condition(c) for c in branch.clauses], "True")
    return f"({branch.code} if {conditions} else None)"


def statements(
    branch: Branch, names: Names, body: Callable[[str], list[str]], hint: str = HINT
) -> list[str]:
    """Python lines that run `body(code of a value)` for each value of the branch."""
    settled = item(branch, names, hint)
    lines: list[str] = []
    depth = 0
    for clause in settled.clauses:
        for line in _opening(clause, names):
            lines.append("    " * depth + line)
            depth += line.endswith(":")
    return lines + ["    " * depth + line for line in body(settled.code)]


def _opening(clause: Clause, names: Names) -> list[str]:
    match clause:
        case Each(var, source, optional, holes):
            lines = []
            if optional:
                bound = names.fresh("list")
                lines = [f"if ({bound} := {source}) is not None:"]
                source = bound
            lines.append(f"for {var} in {source}:")
            return [*lines, f"if {var} is not None:"] if holes else lines
        case Bind(var, source):
            return [f"if ({var} := {source}) is not None:"]
        case Test(code):
            return [f"if {code}:"]


def _joined(operator: str, parts: list[str], none: str) -> str:
    if not parts:
        return none
    return parts[0] if len(parts) == 1 else f"({operator.join(parts)})"
