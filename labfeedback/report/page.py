"""Pages from templates: numbers in words that people read, no bare sign for an angle, nothing loaded from elsewhere."""

from __future__ import annotations

import math
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

import labfeedback
from labfeedback.protocol.aiming import in_unit


def _known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def num(value: Any, digits: int) -> str:
    """A number, or nothing where it is not known."""
    return f"{value:.{digits}f}" if _known(value) else ""


def signed(value: Any, digits: int) -> str:
    """A change, with its sign."""
    return f"{value:+.{digits}f}".replace("-", "\u2212") if _known(value) else ""


def toes(value: Any) -> str:
    """An angle in words: '3.0 toe-in'."""
    return f"{abs(value):.1f} toe-{'out' if value >= 0 else 'in'}" if _known(value) else ""


def quantity(value: Any, variable: str) -> str:
    """A target with its unit or word."""
    return in_unit(value, variable).replace(" deg", "") if _known(value) else ""


def render(template: str, **said: Any) -> str:
    """A whole page. Values that end in svg are put in as they are; everything else is escaped."""
    pages = Environment(
        loader=PackageLoader("labfeedback.report"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    pages.filters.update(num=num, signed=signed, toes=toes, quantity=quantity)
    ready = {
        name: Markup(value) if isinstance(value, str) and value.startswith("<svg") else value
        for name, value in said.items()
    }
    return pages.get_template(template).render(version=labfeedback.__version__, **ready)
