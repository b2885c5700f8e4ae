"""A study folder: people by pseudonym, their visits in order, BIDS-like names, nothing ever overwritten.

    STUDY/dataset_description.json     what this is
    STUDY/participants.tsv             pseudonym, trained side, height, mass, sex: nothing that names a person
    STUDY/sub-S01/ses-01/sub-S01_ses-01_task-assessment_run-01_visit.h5
                         sub-S01_ses-01_task-assessment_verdict.json, _report.html, _report.json, _steps.csv ...

    STUDY/blinding.json                only in a blinded study: where the allocation is, see `allocation`

A session is one visit; its number counts the person's visits in this folder. A visit that was cut off goes on as run-02
of the same session. Names tell the purpose (assessment, training, retention), never the arm.
"""

from __future__ import annotations

import csv
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labfeedback.errors import BadSetup
from labfeedback.subject import Subject

ABOUT: Final = "dataset_description.json"
PEOPLE: Final = "participants.tsv"
BLINDING: Final = "blinding.json"
COLUMNS: Final = ("participant_id", "pseudonym", "trained_side", "height_m", "mass_kg", "sex")
TELLING: Final = ("verdict.json", "verdict.png", "report.html", "report.json", "steps.csv", "course.html")
_PSEUDONYM: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_SESSION: Final = re.compile(r"ses-(\d{2,})")


@dataclass(frozen=True, slots=True)
class Session:
    """One visit's place."""

    study: Path
    label: str  # of the person, as it stands in names
    number: int
    task: str

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.study / f"sub-{self.label}" / f"ses-{self.number:02d}"

    @property
    def stem(self) -> str:
        """What all its files begin with."""
        return f"sub-{self.label}_ses-{self.number:02d}_task-{self.task}"

    def file(self, ending: str) -> Path:
        """`<stem>_<ending>`."""
        return self.folder / f"{self.stem}_{ending}"

    def recordings(self) -> list[Path]:
        """Finished runs, in order."""
        return sorted(self.folder.glob(f"{self.stem}_run-*_visit.h5"))

    def next_recording(self) -> Path:
        """The next run's path."""
        taken = [*self.recordings(), *self.folder.glob(f"{self.stem}_run-*_visit.part*.h5")]
        numbers = [int(found[1]) for path in taken if (found := re.search(r"_run-(\d+)_", path.name))]
        return self.folder / f"{self.stem}_run-{max(numbers, default=0) + 1:02d}_visit.h5"


def label_of(subject: str) -> str:
    """A pseudonym as BIDS names have it: letters and digits only. Raises BadSetup for anything that is no pseudonym."""
    if not _PSEUDONYM.fullmatch(subject):
        raise BadSetup(
            f"{subject!r} is no pseudonym: letters, digits, - and _ only, 32 at most. A name never enters a file"
        )
    return re.sub(r"[-_]", "", subject)


class Study:
    """Open it with `open_study`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def allocation(self) -> Path | None:
        """The allocation file of a study whose operator is blinded; None: nobody is. Raises BadSetup."""
        path = self.folder / BLINDING
        if not path.exists():
            return None
        try:
            where = json.loads(path.read_text(encoding="utf-8"))["allocation"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadSetup(f"{path}: not readable ({error}); restore it from a copy: the study is blinded") from None
        return Path(os.path.normpath(self.folder / str(where)))

    def blind(self, allocation: Path) -> None:
        """From now on no operator sees loads, angles or arms. Raises BadSetup where the study tells them already."""
        if self.allocation is not None:
            raise BadSetup(f"{self.folder} is blinded already; its allocation is {self.allocation}")
        if allocation.absolute().is_relative_to(self.folder.absolute()):
            raise BadSetup(f"{allocation} lies in the study folder, which the operator opens; choose another place")
        telling = [path for end in TELLING for path in self.folder.glob(f"sub-*/**/*_{end}")]
        if telling:
            raise BadSetup(
                f"{self.folder} holds {len(telling)} files that tell loads or arms, such as {telling[0].name}. Move "
                "them to where the operator does not look (they can be made again from the recordings), then blind it"
            )
        try:
            where = os.path.relpath(allocation.absolute(), self.folder.absolute())
        except ValueError:  # another drive on Windows
            where = str(allocation.absolute())
        text = json.dumps({"blinded": "operator", "allocation": where}, indent=2)
        (self.folder / BLINDING).write_text(text + "\n", encoding="utf-8")

    def people(self) -> list[dict[str, str]]:
        """Rows of participants.tsv."""
        path = self.folder / PEOPLE
        if not path.exists():
            return []
        try:
            with path.open(newline="", encoding="utf-8") as file:
                table = csv.DictReader(file, delimiter="\t")
                people = list(table)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BadSetup(f"{path}: not readable as a table of people ({error}); restore it from a copy") from None
        if not set(COLUMNS) <= set(table.fieldnames or ()):
            raise BadSetup(f"{path}: its first line should name {', '.join(COLUMNS)}; restore it from a copy")
        return people

    def admit(self, subject: Subject, side: str) -> None:
        """Enter a person, or check that it is the same one: another trained side or height is another person.

        Raises BadSetup.
        """
        label = f"sub-{label_of(subject.id)}"
        row = {
            "participant_id": label, "pseudonym": subject.id, "trained_side": side, "height_m": _text(subject.height_m),
            "mass_kg": _text(subject.mass_kg), "sex": subject.sex,
        }  # fmt: skip
        people = self.people()
        known = next((one for one in people if one["participant_id"] == label), None)
        if known is None:
            self._write([*people, row])
            return
        for name, what in (
            ("pseudonym", "pseudonym"), ("trained_side", "trained side"), ("height_m", "height")
        ):  # fmt: skip
            if known[name] not in ("", row[name]) and row[name]:
                raise BadSetup(
                    f"{self.folder / PEOPLE} has {label} with {what} {known[name]}, now it is {row[name]}. Is this the "
                    "same person? If the file is wrong, mend it there; a new person needs a new pseudonym"
                )

    def _write(self, people: list[dict[str, str]]) -> None:
        path = self.folder / PEOPLE
        scratch = path.with_suffix(".tmp")
        with scratch.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS, delimiter="\t", restval="", extrasaction="ignore")
            table.writeheader()
            table.writerows(people)
        scratch.replace(path)

    def order_of(self, subject: str) -> int:
        """How many people were entered before this one; for counterbalanced orders."""
        labels = [one["participant_id"] for one in self.people()]
        label = f"sub-{label_of(subject)}"
        return labels.index(label) if label in labels else len(labels)

    def sessions(self, subject: str) -> list[Session]:
        """The person's visits in order."""
        label = label_of(subject)
        found = []
        folders = [f for f in (self.folder / f"sub-{label}").glob("ses-*") if f.is_dir() and _SESSION.fullmatch(f.name)]
        for folder in sorted(folders, key=lambda f: int(f.name[4:])):
            if match := _SESSION.fullmatch(folder.name):
                tasks = {m[1] for path in folder.iterdir() if (m := re.search(r"_task-([a-z]+)_", path.name))}
                found += [Session(self.folder, label, int(match[1]), task) for task in sorted(tasks)]
        return found

    def new_session(self, subject: str, task: str) -> Session:
        """The next visit's place; its folder is made."""
        number = max((session.number for session in self.sessions(subject)), default=0) + 1
        session = Session(self.folder, label_of(subject), number, task)
        try:
            session.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetup(f"{session.folder} cannot be made ({error.strerror}); choose another folder") from None
        return session

    def verdict_of(self, subject: str) -> tuple[Path, dict[str, Any]] | None:
        """The person's newest verdict of an assessment, with its file."""
        files = [path for session in self.sessions(subject) for path in session.folder.glob("*_verdict.json")]
        if not files:
            return None
        newest = max(files, key=lambda path: (int(path.parent.name[4:]), "_override" in path.name, path.name))
        return newest, read_verdict(newest)


def read_verdict(path: Path) -> dict[str, Any]:
    """A verdict's JSON. Raises BadSetup."""
    try:
        verdict = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetup(f"{path}: not readable as the verdict of an assessment ({error})") from None
    needed = {"verdict", "subject", "side", "chosen_change", "deciding_rule", "override"}
    sound = isinstance(verdict, dict) and needed <= set(verdict)
    if not sound or not (verdict["override"] is None or isinstance(verdict["override"], dict)):
        raise BadSetup(f"{path}: this is no verdict of an assessment; expected a file that ends in _verdict.json")
    whole: dict[str, Any] = verdict
    return whole


def change_of(path: Path, verdict: dict[str, Any], subject: str, side: str) -> str:
    """The change to train, in words. Raises BadSetup where the verdict is another person's, or chose nothing."""
    for name, mine in (("subject", subject), ("side", side)):
        if verdict.get(name) != mine:
            raise BadSetup(f"{path}: this verdict is of {name} {verdict.get(name)!r}, the visit of {mine!r}")
    override = verdict.get("override")
    if override:
        return str(override["change"])
    if verdict["verdict"] != "target":
        raise BadSetup(
            f"{path}: the verdict is '{verdict['verdict']}' ({verdict.get('deciding_rule')}): there is nothing to "
            "train. Assess again, or override it with a reason: labfeedback override"
        )
    return str(verdict["chosen_change"])


def open_study(folder: Path, *, create: bool = False) -> Study:
    """A study folder. Raises BadSetup when it is none, and may not become one."""
    about = folder / ABOUT
    if not about.exists():
        if not create:
            raise BadSetup(f"{folder} is no study folder: it has no {ABOUT}. 'visit' and 'rehearse' make one")
        if folder.is_file():
            raise BadSetup(f"{folder} is a file; give a folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            text = {
                "Name": folder.name, "BIDSVersion": "1.10.0", "DatasetType": "raw",
                "GeneratedBy": [{"Name": "labfeedback"}],
                "HowToRead": "sub-*/ses-*/*_visit.h5: see docs/recording.md of labfeedback. Research use.",
            }  # fmt: skip
            about.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise BadSetup(f"{folder} cannot be written to ({error.strerror}); choose another folder") from None
    return Study(folder)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
