"""Sham and active: for the same deviations from the target the patient sees the same pictures, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from PyQt6.QtGui import QImage

from labfeedback.display.render import render_scene
from labfeedback.display.scene import Heard, hear, scene_at
from labfeedback.engine.feedback import Feedback
from labfeedback.protocol.runner import Runner
from labfeedback.protocol.schedule import Visit
from labfeedback.protocol_file import draw, load_protocol
from labfeedback.records import HEALTH, LEFT
from tests.protocol.walked import STRIDE_S, step

OWN_DEG = 7.0


def pictures(protocol: str, arm: str, selected: str, deviations: list[float]) -> list[tuple[Any, bytes]]:
    """What is painted after each step of the first training block whose angle misses the target by so much."""
    document = load_protocol(protocol)
    visit = Visit(document=document, number=5, side="left", selected=selected, arm=arm, draws=draw(document, 5))  # type: ignore[arg-type]
    runner = Runner(visit)
    feedback = Feedback(runner.aim)
    runner.begin(0.0)
    for prompt in list(runner.prompts.open):
        answer = {"pain": {"left": 2, "right": 1}, "confirm": {"yes": True}}.get(prompt.kind, {"text": "shoes"})
        runner.command(0.0, {"do": "answer", "prompt": prompt.number, **answer})
    runner.command(0.0, {"do": "start"})
    heard, out, now, waiting, block = Heard(LEFT), [], 0.0, list(deviations), runner.aim
    feedback.aim = block
    cues: list[Any] = []
    while waiting:
        now += STRIDE_S
        while runner.due_s <= now:
            runner.due(runner.due_s)
        if runner.aim is not block:
            block = runner.aim
            cues += feedback.take_up(now, block)
        aimed = block.target_of(LEFT)
        angle = OWN_DEG if aimed != aimed else aimed + waiting[0]
        row = step(now, LEFT, fpa_deg=angle)
        made, _ = feedback.final(now + 0.8, now, row, 1.65)
        runner.step(now + 0.8, row)
        cues += made
        health = np.zeros(1, HEALTH)
        health["time_s"] = now + 0.8
        for cue in cues:
            heard = hear(heard, cue, health, now + 0.8)
        cues = []
        scene = scene_at(heard, now + 0.85)
        image = render_scene(scene, 640, 400).convertToFormat(QImage.Format.Format_RGB32)
        data = image.constBits()
        assert data is not None
        out.append((scene, data.asstring(image.sizeInBytes())))
        if aimed == aimed and row["cued"]:
            waiting.pop(0)
    return out


def test_sham_and_active_screens_are_pixel_identical():
    # In halves, so that target plus deviation minus target is the deviation in either arm.
    deviations = [0.5 * k for k in (0, 1, -3, 9, 4, -5, 2, -12, 20, 3, -4, 0, 60, -60, 5)]
    active = pictures("training_fpa", "active", "toe-in 10 deg", deviations)
    for protocol, arm in (("sham", "active"), ("sham", "sham"), ("training_fpa", "sham")):
        sham = pictures(protocol, arm, "toe-in 10 deg", deviations)
        assert len(sham) == len(active)
        for (scene, pixels), (other, same) in zip(active, sham, strict=True):
            assert scene.deviation == other.deviation
            assert pixels == same
    assert len({pixels for _, pixels in active}) > 8  # and they are not all one picture
    assert len({scene.state for scene, _ in active}) >= 5


def test_nothing_on_the_way_to_the_screen_but_target_and_value_differs():
    """What an eavesdropper on the stream could tell; the painted picture uses neither."""
    scenes = [scene for scene, _ in pictures("sham", "active", "toe-in 10 deg", [0.5, 3.0])]
    assert not {"target", "value", "fpa_deg"} & set(vars(scenes[-1]))
