"""`labfeedback protocols`: what is shipped, whether a document is sound, and its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from labfeedback.errors import BadSetup, LabError


def protocols(
    documents: Annotated[
        list[str] | None, typer.Argument(help="Names or .toml files to check; all shipped ones when left out.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(metavar="OUT.json", help="Write the JSON schema, for editors that know one.")
    ] = None,
) -> None:
    """Check protocol documents; each mistake is told with file, line and a sentence. Ends with 2 if there is one."""
    from rich.console import Console
    from rich.table import Table

    from labfeedback.exchange.outputs import check_outputs
    from labfeedback.protocol_file import document_hash, json_schema, load_protocol, shipped

    if schema is not None:
        check_outputs([("--schema", schema)])
        schema.write_text(json_schema() + "\n", encoding="utf-8")
        typer.echo(f"Schema: {schema}")
        if not documents:
            return
    table = Table(box=None, pad_edge=False)
    for name in ("protocol", "version", "visits", "minutes", "title", "content"):
        table.add_column(name)
    wrong = []
    for name in documents or list(shipped()):
        try:
            p = load_protocol(name)
        except LabError as error:
            wrong.append(str(error))
            continue
        each = [b for b in p.blocks if b.each]
        minutes = sum((b.minutes or 0.0) * (len(p.conditions) if b.each else 1) for b in p.blocks)
        note = f"{p.title}" + (f" ({len(p.conditions)} conditions, order {p.order})" if each else "")
        table.add_row(p.id, p.version, str(p.visits), f"{minutes:g}", note, document_hash(p))
    if table.row_count:
        Console(highlight=False).print(table)
    if wrong:
        raise BadSetup("\n".join(wrong))
