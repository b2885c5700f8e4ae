"""What the program says when it cannot go on: a sentence that a lab can act on, never a traceback."""

from __future__ import annotations


class LabError(Exception):
    """Something the person at the keyboard can mend.

    The message says what was found, what was expected and what to do. `labfeedback.cli` prints it and leaves with
    `exit_code`; everything recorded so far stays where it is.
    """

    exit_code = 2


class BadFile(LabError):
    """A file that cannot be read as what it claims to be."""


class BadSetup(LabError):
    """A rig, marker set, subject, protocol or setting that contradicts itself or the data."""


class Hazard(LabError):
    """Wrong side, wrong sign or mirrored labels: what could train a patient the wrong way. Never overridden."""


class StreamTrouble(LabError):
    """A live stream that is missing, duplicated, or not what the rig says."""


class DamagedRecording(LabError):
    """A recording whose stored bytes are not the bytes that were written."""
