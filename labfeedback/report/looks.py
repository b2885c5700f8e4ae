"""Colours and lines of every plot in a report; told apart by colour-blind eyes (Okabe and Ito's palette)."""

from __future__ import annotations

from typing import Any, Final

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
GREY: Final = "#5f6b76"
LIGHT: Final = "#e4e9ee"


def tidy(axes: Any) -> None:
    """No box, a quiet grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.93")
    axes.set_axisbelow(True)


def as_svg(figure: Any) -> str:
    """The figure as SVG text for a page, without the XML heading."""
    import io

    import matplotlib.pyplot as plt

    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = out.getvalue()
    return text[text.index("<svg") :]
