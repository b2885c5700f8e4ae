"""Offline analysis of a recorded walk: the same engine as live, fed from a file.

`analyse_file` reads, checks and computes; `tables` and `picture` write what it found.
"""

from labfeedback.analysis.walk import Analysis, Options, analyse_file, analyse_trial

__all__ = ["Analysis", "Options", "analyse_file", "analyse_trial"]
