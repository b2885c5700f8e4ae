"""`labfeedback doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    json: Annotated[bool, typer.Option("--json", help="for a machine")] = False,
    listen: Annotated[float, typer.Option(help="how long to look for LSL streams, s", min=0.1, max=60)] = 2.0,
) -> None:
    """What this computer has and lacks, with the command that installs it. Exit code 1: something needed is missing."""
    from labfeedback.doctor import as_json, examine, lacks

    findings = examine(listen_s=listen)
    if json:
        print(as_json(findings))
    else:
        marks = {"ok": "ok     ", "note": "note   ", "missing": "MISSING"}
        for finding in findings:
            print(f"{marks[finding.state]}  {finding.what}: {finding.found}")
            if finding.mend:
                print(f"           -> {finding.mend}")
        print("something needed is missing" if lacks(findings) else "everything needed is here")
    raise typer.Exit(1 if lacks(findings) else 0)
