"""Mutation testing of core and engine: change one thing in one place, and see whether a test notices.

    python -m benchmarks.mutants --out FOLDER [--count 320] [--seed 1] [--workers 2]

A seeded sample of changes (another comparison, sign, operator, constant, side of an `if`, a statement left out) in
copies of the project; nothing here is touched. Kernels are tested with the compiler off, because a changed kernel would
be compiled anew each time. Each change runs the tests that are about its module
first, then the walks whose numbers are kept, then the rest of the engine's. A change that no test notices is listed
with its line: it is equivalent, or a test is missing.
"""

from __future__ import annotations

import ast
import csv
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("labfeedback/core", "labfeedback/engine")
LONGEST_S = 300.0
HEADER = ["path", "line", "column", "old", "new", "killed", "seconds", "by"]
# What is about a module, beyond tests of its own name. Kernels: quick ones, the compiler is off.
NUMBERS = "tests/laws/test_same_numbers.py"
CORE_TESTS = (NUMBERS, "tests/core/test_anatomy.py", "tests/core/test_live.py", "tests/core/test_step.py")
ENGINE_TESTS = (
    NUMBERS, "tests/engine/test_single_support.py", "tests/test_calibration_file.py",
    "tests/engine/test_odd_streams.py", "tests/engine/test_gait.py", "tests/engine/test_calibration.py",
    "tests/engine/test_hazards.py", "tests/engine/test_plates_and_belts.py", "tests/engine/test_guard.py",
    "tests/engine/test_measures.py", "tests/engine/test_occlusion.py", "tests/engine/test_troubles.py",
)  # fmt: skip
# Modules that the tests of another name are about.
ABOUT = {
    "anatomy": "anatomy", "axis": "plates_and_belts", "body": "verdict", "carrying": "occlusion", "clock": "troubles",
    "dynamics": "step", "events": "hazards", "feedback": "hazards", "leg": "intake", "plates": "intake",
    "posture": "gait", "scale": "troubles", "sight": "hazards", "standing": "verdict", "streams": "odd_streams",
    "track": "odd_streams", "usual": "troubles", "watch": "troubles", "weighing": "verdict",
    "zero": "plates_and_belts",
}  # fmt: skip
COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change: `old` at a place of `path` becomes `new`."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    old: str
    new: str


def _new_text(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """What a node may become, as source."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
        kind = COMPARE[type(node.ops[0])]
        yield node, ast.unparse(ast.Compare(node.left, [kind()], node.comparators))
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield node, ast.unparse(ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right))
    elif isinstance(node, ast.BoolOp):
        kind = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield node, f"({ast.unparse(ast.BoolOp(kind(), node.values))})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node, ast.unparse(node.operand)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield node, repr(node.value + 1 if isinstance(node.value, int) else node.value * 1.5 + 0.1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, repr(not node.value)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield node.test, f"not ({ast.unparse(node.test)})"
    elif isinstance(node, ast.Continue):
        yield node, "break"
    elif isinstance(node, ast.AugAssign | ast.Expr) and not (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ):
        yield node, "pass"


def _hints(tree: ast.Module) -> set[ast.AST]:
    """Nodes that nothing computes with: annotations, decorators, docstrings, field descriptions."""
    skip: set[ast.AST] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts = [*node.decorator_list, node.returns, *(a.annotation for a in node.args.args)]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.ClassDef):
            parts = list(node.decorator_list)
        elif isinstance(node, ast.JoinedStr | ast.Assert | ast.Raise):
            parts = [node]  # texts and what cannot happen
        for part in parts:
            if part is not None:
                skip.update(ast.walk(part))
    return skip


def mutants_of(path: Path) -> list[Mutant]:
    """All changes of one module."""
    source = path.read_text(encoding="utf-8")
    tree, found = ast.parse(source), []
    skip = _hints(tree)
    for node in ast.walk(tree):
        if node in skip:
            continue
        for place, new in _new_text(node):
            old = ast.get_source_segment(source, place) or ""
            end_line, end = getattr(place, "end_lineno", 0), getattr(place, "end_col_offset", 0)
            where = str(path.relative_to(ROOT))
            found.append(Mutant(where, place.lineno, place.col_offset, end_line, end, old, new))  # type: ignore[attr-defined]
    return found


def changed(source: str, mutant: Mutant) -> str:
    """The source with the change made."""
    lines = source.splitlines(keepends=True)

    def at(line: int, column: int) -> int:
        bytes_before = lines[line - 1].encode()[:column]
        return sum(len(one) for one in lines[: line - 1]) + len(bytes_before.decode())

    first, last = at(mutant.line, mutant.column), at(mutant.end_line, mutant.end_column)
    new = mutant.new if "\n" not in mutant.old else f"({mutant.new})" if mutant.new != "pass" else "pass"
    return source[:first] + new + source[last:]


def tests_for(path: str) -> tuple[list[str], bool]:
    """What to run, in order, and whether the compiler is off."""
    name = Path(path).stem
    names = (name, ABOUT.get(name, name))
    own = [
        str(p.relative_to(ROOT))
        for x in names
        for p in sorted((ROOT / path.replace("labfeedback", "tests")).parent.glob(f"test_{x}.py"))
    ]
    core = path.startswith(PACKAGES[0])
    rest = CORE_TESTS if core else ENGINE_TESTS
    return list(dict.fromkeys([*own, *rest])), core


def _key(mutant: Mutant) -> tuple[str, str, str, str, str]:
    return mutant.path, str(mutant.line), str(mutant.column), mutant.old, mutant.new


def run(home: Path, tests: list[str], core: bool, limit_s: float) -> tuple[bool, float, str]:
    """(whether all passed, seconds, the test that failed) of the project in `home`."""
    said = {**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    if core:
        said["NUMBA_DISABLE_JIT"] = "1"
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", *tests]
    begun = time.monotonic()
    try:
        done = subprocess.run(command, cwd=home, env=said, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return False, time.monotonic() - begun, "took too long"
    failed = [line.split(" ")[1] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 0, time.monotonic() - begun, failed[0] if failed else "stopped"


def copies(folder: Path, count: int) -> list[Path]:
    """Copies of the project, each with the real recordings beside it."""
    homes = []
    for k in range(count):
        home = folder / str(k) / ROOT.name
        ignore = shutil.ignore_patterns(".*", "__pycache__", "*.h5")
        shutil.copytree(ROOT, home, ignore=ignore)
        shared = ROOT.parent / "shared"
        if shared.is_dir():
            (home.parent / "shared").symlink_to(shared, target_is_directory=True)
        homes.append(home)
    return homes


def main(
    out: Annotated[Path, typer.Option(help="folder for the table")],
    count: Annotated[int, typer.Option(min=1)] = 320,
    seed: Annotated[int, typer.Option()] = 1,
    workers: Annotated[int, typer.Option(min=1)] = 2,
    resume: Annotated[
        bool, typer.Option(help="go on with the table that is there, if the modules are the same")
    ] = False,
) -> None:
    """See the module."""
    console = Console()
    everything = [m for package in PACKAGES for p in sorted((ROOT / package).glob("*.py")) for m in mutants_of(p)]
    sample = random.Random(seed).sample(everything, min(count, len(everything)))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        free: Queue[Path] = Queue()
        for home in copies(Path(folder), workers):
            free.put(home)
        home = free.get()
        longest = 0.0
        for tests, core in ((CORE_TESTS, True), (ENGINE_TESTS, False)):
            passed, seconds, which = run(home, list(tests), core, 4 * LONGEST_S)
            if not passed:
                raise SystemExit(f"without any change {which} fails: mend that first")
            longest = max(longest, seconds)
        free.put(home)
        console.print(f"{len(everything)} possible changes, {len(sample)} drawn; unchanged tests take {longest:.0f} s")

        def try_one(mutant: Mutant) -> tuple[Mutant, bool, float, str]:
            home = free.get()
            path = home / mutant.path
            source = path.read_text(encoding="utf-8")
            try:
                path.write_text(changed(source, mutant), encoding="utf-8")
                tests, core = tests_for(mutant.path)
                passed, seconds, which = run(home, tests, core, 4.0 * longest + 30.0)
            finally:
                path.write_text(source, encoding="utf-8")
                free.put(home)
            return mutant, passed, seconds, which

        table, before = out / "mutants.csv", {}
        if resume and table.is_file():
            with table.open(newline="", encoding="utf-8") as file:
                before = {tuple(line[:5]): line for line in list(csv.reader(file))[1:]}
        todo = [mutant for mutant in sample if _key(mutant) not in before]
        lines = [before[_key(mutant)] for mutant in sample if _key(mutant) in before]
        console.print(f"{len(lines)} known from before")
        with Progress(console=console) as progress, ThreadPoolExecutor(workers) as pool:
            task = progress.add_task("changes", total=len(sample))
            for done in as_completed([pool.submit(try_one, mutant) for mutant in todo]):
                mutant, passed, seconds, which = done.result()
                lines.append([*_key(mutant), str(not passed), f"{seconds:.0f}", which])
                with table.open("w", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows([HEADER, *sorted(lines)])
                killed = sum(line[5] == "True" for line in lines)
                progress.update(task, completed=len(lines), description=f"killed {killed} of {len(lines)}")
    killed = sum(line[5] == "True" for line in lines)
    share = killed / len(sample)
    for path, line, _, old, new, dead, *_ in sorted(lines):
        if dead != "True":
            console.print(f"survived: {path}:{line}: {old!r} -> {new!r}", highlight=False)
    console.print(f"{killed} of {len(sample)} killed: {100 * share:.0f} % (goal 85 %)")
    raise typer.Exit(0 if share >= 0.85 else 1)


if __name__ == "__main__":
    typer.run(main)
