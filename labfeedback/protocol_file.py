"""Protocol documents as files: found by name or path, checked; mistakes are told with file, line and a sentence."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from labfeedback.errors import BadSetup
from labfeedback.protocol.document import Protocol
from labfeedback.protocol.rules import Broken
from labfeedback.protocol.schedule import Draws
from labfeedback.rig import mistake

CATCH_DRAWS: Final = 200
_HEADER: Final = re.compile(r"^\s*\[+\s*([A-Za-z0-9_.]+)\s*\]+")
_KEY: Final = re.compile(r"^\s*([A-Za-z0-9_.]+)\s*=")
_SAYS_LINE: Final = re.compile(r"\(at line (\d+)")


def shipped() -> dict[str, Path]:
    """Names of the documents that come with the program, and their files."""
    folder = Path(str(resources.files("protocols")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_protocol(name: str | Path) -> Protocol:
    """By the name of a shipped document, or by path. Raises BadSetup: file, line and a sentence for each mistake."""
    path = Path(name)
    known = shipped()
    if path.suffix != ".toml":
        if str(name) not in known:
            raise BadSetup(f"no protocol is called {str(name)!r}; there are {', '.join(known)}, or give a .toml file")
        path = known[str(name)]
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadSetup(f"{path}: no such file; shipped protocols are {', '.join(known)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetup(f"{path}: cannot be read as text ({error})") from None
    return parse_protocol(text, str(path))


def parse_protocol(text: str, where: str) -> Protocol:
    """The document in `text`; `where` names it in errors. Raises BadSetup."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        line = _SAYS_LINE.search(said)
        at = f", line {line[1]}" if line else ""
        raise BadSetup(f"{where}{at}: this is not TOML: {said.split(' (at')[0]}") from None
    try:
        return Protocol.model_validate(data)
    except ValidationError as error:
        said = "\n".join(_sentence(where, text, item) for item in error.errors())
        raise BadSetup(said) from None


def _sentence(where: str, text: str, item: Any) -> str:
    broken = item.get("ctx", {}).get("error")
    place = tuple(item["loc"])
    if isinstance(broken, Broken):
        place = broken.place
        return f"{where}, line {line_of(text, place)}: {broken}"
    return f"{where}, line {line_of(text, place)}: {mistake(item, Protocol)}"


def line_of(text: str, place: Sequence[str | int]) -> int:
    """The line, from 1, of the deepest part of a place that the text has: ('blocks', 2, 'feedback', 'band')."""
    wanted: list[tuple[str, int | None]] = []
    for part in place:
        if isinstance(part, int) and wanted:
            wanted[-1] = (wanted[-1][0], part)
        elif isinstance(part, str):
            wanted.append((part, None))
    best, deepest = 1, -1
    counts: dict[str, int] = {}
    inside: list[tuple[str, int | None]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _HEADER.match(line):
            names = match[1].split(".")
            if line.lstrip().startswith("[["):
                counts[match[1]] = counts.get(match[1], -1) + 1
            inside = [(name, counts.get(".".join(names[: k + 1]))) for k, name in enumerate(names)]
        elif match := _KEY.match(line):
            here = [*inside, *((name, None) for name in match[1].split("."))]
            depth = _shared(wanted, here)
            # Everything the line names must belong to the place: another key of the same table is not it.
            if depth == len(here) and depth > deepest:
                best, deepest = number, depth
            continue
        else:
            continue
        depth = _shared(wanted, inside)
        if depth == len(inside) and depth > deepest:
            best, deepest = number, depth
    return best


def _shared(wanted: list[tuple[str, int | None]], here: list[tuple[str, int | None]]) -> int:
    depth = 0
    for (name, index), (other, at) in zip(wanted, here, strict=False):
        if name != other or (index is not None and at is not None and index != at):
            break
        depth += 1
    return depth


def draw(protocol: Protocol, seed: int | None = None, sequence: int = 0) -> Draws:
    """What chance decides of a visit. seed None: the computer's own randomness. sequence: for counterbalanced orders,
    how many people walked this protocol before.
    """
    random = np.random.default_rng(seed)
    ids = [c.id for c in protocol.conditions]
    order = list(ids)
    if protocol.order == "random":
        order = [ids[n] for n in random.permutation(len(ids))]
    elif protocol.order == "counterbalanced":
        order = [ids[n] for n in balanced(len(ids), sequence)]
    catch = tuple(float(u) for u in np.round(random.random(CATCH_DRAWS), 4))
    return Draws(order=tuple(order), catch=catch)


def balanced(count: int, sequence: int) -> list[int]:
    """Row `sequence` of a Williams square: every condition at every place, and after every other one, equally often.

    Williams, Aust J Sci Res A 2:149, 1949. An odd count needs the mirrored square too.
    """
    first, low, high = [], 0, count - 1
    for place in range(count):
        first.append(low if place % 2 == 0 else high)
        low, high = (low + 1, high) if place % 2 == 0 else (low, high - 1)
    rows = [[(n + shift) % count for n in first] for shift in range(count)]
    if count % 2:
        rows += [row[::-1] for row in rows]
    return rows[sequence % len(rows)]


def json_schema() -> str:
    """For editors: the JSON schema of a document."""
    return json.dumps(Protocol.model_json_schema(by_alias=True), indent=2)


def document_hash(protocol: Protocol) -> str:
    """SHA-256 (hex, 16 digits) of the content, whatever its layout and comments."""
    text = json.dumps(protocol.model_dump(mode="json", by_alias=True), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
