"""Which of a lab's marker labels plays which anatomical role."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from labfeedback.errors import BadSetup
from labfeedback.rig import _sentence, find, read_toml, shipped


class Leg(BaseModel):
    """One leg's labels. mt2 wins over the mt1-mt5 midpoint for the foot's direction (SCIENCE.md section 6)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    knee_lateral: str
    knee_medial: str
    ankle_lateral: str
    ankle_medial: str
    heel: str
    mt1: str | None = None
    mt2: str | None = None
    mt5: str | None = None
    shank_cluster: tuple[str, ...] = ()
    foot_cluster: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _foot_has_a_front(self) -> Self:
        if self.mt2 is None and (self.mt1 is None or self.mt5 is None):
            raise ValueError("the foot needs mt2, or mt1 and mt5")
        roles: dict[str, str] = {}
        for role in ("knee_lateral", "knee_medial", "ankle_lateral", "ankle_medial", "heel", "mt1", "mt2", "mt5"):
            label = getattr(self, role)
            if label and label in roles:
                raise ValueError(
                    f"{roles[label]} and {role} are both {label!r}: each place of a leg needs a marker of its own"
                )
            roles[label] = role
        for name, cluster in (("shank_cluster", self.shank_cluster), ("foot_cluster", self.foot_cluster)):
            if cluster and len(cluster) < 3:
                raise ValueError(f"{name} has {len(cluster)} markers, a rigid fit needs at least 3")
        return self

    @property
    def anatomical(self) -> tuple[str, ...]:
        """The labels that carry roles."""
        own = (self.knee_lateral, self.knee_medial, self.ankle_lateral, self.ankle_medial, self.heel)
        return own + tuple(label for label in (self.mt1, self.mt2, self.mt5) if label)

    @property
    def medial(self) -> tuple[str, ...]:
        """The labels that may come off after a static trial."""
        return (self.knee_medial, self.ankle_medial)


class MarkerSet(BaseModel):
    """A lab's marker set.

    pelvis: markers on the pelvis: right front, left front, right back, left back; or right front, left front, sacrum.
    Others may follow. trunk: markers whose mean is the trunk's upper end (C7, or both acromia). Neither is required.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    about: str = ""
    right: Leg
    left: Leg
    pelvis: tuple[str, ...] = ()
    trunk: tuple[str, ...] = ()
    only_points: bool = False  # no medial markers: joint centres and axes come from a vendor model's points
    from_model: bool = False  # set by analysis.model_points: this set's markers span those points

    @property
    def girdle(self) -> tuple[str, str, str, str, str]:
        """Right front, left front, right back, left back, sacrum; empty where the set has none."""
        p = self.pelvis
        if len(p) == 3:
            return p[0], p[1], "", "", p[2]
        return (p[0], p[1], p[2], p[3], "") if len(p) > 3 else ("", "", "", "", "")

    @property
    def required(self) -> frozenset[str]:
        """Labels that must be in a walking trial without a static trial."""
        return frozenset(self.right.anatomical + self.left.anatomical)

    def leg(self, side: int) -> Leg:
        """The leg of side +1 (right) or -1 (left)."""
        return self.right if side > 0 else self.left

    @model_validator(mode="after")
    def _legs_are_two(self) -> Self:
        both = set(self.right.anatomical + self.right.shank_cluster + self.right.foot_cluster) & set(
            self.left.anatomical + self.left.shank_cluster + self.left.foot_cluster
        )
        if both:
            raise ValueError(f"labels on both legs: {', '.join(sorted(both))}")
        return self


def load_marker_set(name_or_file: str) -> MarkerSet:
    """Read and check a marker set. Raises BadSetup in sentences."""
    path = find("markersets", name_or_file)
    try:
        return MarkerSet.model_validate(read_toml(path))
    except ValidationError as error:
        raise BadSetup(_sentence(str(path), error, MarkerSet)) from None


def shipped_marker_sets() -> dict[str, MarkerSet]:
    """All that is shipped, by name."""
    return {name: load_marker_set(str(path)) for name, path in shipped("markersets").items()}
