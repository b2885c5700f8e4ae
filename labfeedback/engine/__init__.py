"""The engine: samples in, steps and cues out. Sans I/O."""

from labfeedback.engine.fold import Engine

__all__ = ["Engine"]
