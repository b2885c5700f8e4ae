"""A small sound document, and fifteen broken ones with the line and the words by which each must be refused."""

from __future__ import annotations

SOUND = """\
schema = 1
id = "small"
version = "1.0"
title = "A small one"
source = "made for the tests of this project"
purpose = "training"

[stop]
minutes = 30

[[blocks]]
id = "baseline"
title = "Natural walking"
minutes = 0.5
measures = "baseline"
before = ["pain"]

[[blocks]]
id = "train"
title = "Training"
minutes = 0.5
measures = "training"
feedback = { variable = "fpa", target = "toe-in 5 deg", band = 2.0 }

[[blocks]]
id = "alone"
title = "Alone"
steps = 20
measures = "retention"

[blocks.feedback]
variable = "fpa"
target = "toe-in 5 deg"
show = "never"
"""

# name -> (what is replaced, by what, line of the mistake, words of the sentence)
BROKEN: dict[str, tuple[str, str, int, str]] = {
    "typing error": ('title = "Training"', 'titel = "Training"', 20, "titel is not known; did you mean title?"),
    "unknown variable": ('variable = "fpa", t', 'variable = "fpaa", t', 23, "variable 'fpaa' is not known"),
    "negative duration": ("minutes = 0.5\nmeasures = \"training\"", "minutes = -2\nmeasures = \"training\"", 21,
                          "minutes = -2: expected a number above 0"),
    "target before baseline": ('measures = "baseline"\n', 'measures = "familiarisation"\n', 23,
                               "no block before 'train' has measures = 'baseline'"),
    "band of zero": ("band = 2.0", "band = 0", 23, "expected a number above 0"),
    "loop": ('id = "alone"\n', 'id = "alone"\nnext = "train"\n', 27, "a loop. A visit only goes forward"),
    "missing block": ('id = "train"\n', 'id = "train"\nnext = "finale"\n', 20, "there is no block 'finale'"),
    "20 deg target": ('target = "toe-in 5 deg", band', 'target = "toe-in 20 deg", band', 23,
                      "more than 15 deg from the person's own angle is refused"),
    "signed angle": ('target = "toe-in 5 deg", band', 'target = "-5 deg", band', 23, "never by sign"),
    "both legs trained in their angle": ('variable = "fpa", t', 'variable = "fpa", side = "both", t', 23,
                                         "the untrained leg is never trained"),
    "two lengths": ("steps = 20", "steps = 20\nminutes = 2", 25, "give one of the two"),
    "nothing to do": ("steps = 20\nmeasures = \"retention\"\n", "", 25, "must ask something"),
    "id twice": ('id = "alone"', 'id = "train"', 26, "the id 'train' is used twice"),
    "no source": ('source = "made for the tests of this project"\n', "", 1, "source is missing"),
    "not TOML": ('minutes = 30', "minutes = = 30", 9, "this is not TOML"),
    "selected load": ('variable = "fpa", target = "toe-in 5 deg"', 'variable = "kam", target = "selected"', 23,
                      "target 'selected' is a foot angle"),
    "pain rule switched off": ("minutes = 30", "minutes = 30\npain = 10", 10, "pain = 10: expected at most 5"),
    "no question of pain": ('before = ["pain"]\n', "", 11, "nobody walks before pain was asked for"),
    "anything is good": ("band = 2.0 }", 'band = 2.0, good = "below" }', 23, "any turn beyond the target"),
    "two baselines": ('title = "Training"\nminutes = 0.5\nmeasures = "training"\nfeedback = { variable = "fpa", '
                      'target = "toe-in 5 deg", band = 2.0 }', 'title = "T"\nminutes = 0.5\nmeasures = "baseline"', 22,
                      "a visit has one baseline"),
    "baseline too short": ("minutes = 0.5\nmeasures = \"baseline\"", "steps = 10\nmeasures = \"baseline\"", 15,
                           "at least 22 steps"),
    "sham of nothing": ('purpose = "training"', 'purpose = "training"\narm = "sham"', 7, "needs a target 'selected'"),
    "unknown prompt": ('before = ["pain"]', 'before = ["pane"]', 11, "prompt 'pane' is not known"),
    "unknown schedule": ('show = "never"', 'show = "sometimes"', 34, "show"),
    "unreachable block": ('measures = "baseline"\n', 'measures = "baseline"\nnext = "alone"\n', 20,
                          "no block leads to 'train'"),
    "baseline with feedback": ('measures = "training"', 'measures = "baseline"', 23, "can have no feedback"),
    "selected in the wrong unit": ('variable = "fpa", target = "toe-in 5 deg"',
                                   'variable = "step_width", target = "5 cm wider"', 23, "expected 'm'"),
}  # fmt: skip


def broken(name: str) -> tuple[str, int, str]:
    """(text, line, words)."""
    old, new, line, words = BROKEN[name]
    assert SOUND.count(old) >= 1, name
    return SOUND.replace(old, new, 1), line, words
