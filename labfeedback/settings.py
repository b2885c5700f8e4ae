"""Every number of the engine that a lab may set, with the value SCIENCE.md gives it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Stored verbatim in START, so that a replay uses the numbers of the day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filter_hz: float = Field(15.0, ge=3.0, le=50.0, description="zero-lag cut-off of markers and forces alike")
    lead_s: float = Field(0.100, description="data before contact that a step's filter gets")
    event_lowpass_hz: float = Field(25.0, ge=20.0, le=40.0)
    contact_rise_n: float = Field(50.0, gt=0)
    contact_n: float = Field(30.0, gt=0)
    hold_s: float = 0.020
    events_apart_s: float = Field(0.040, gt=0, description="plate and markers disagree beyond this")
    events_apart_unlearned_s: float = Field(0.080, gt=0, description="the same before the person's offset is known")
    single_support_margin_s: float = Field(0.020, ge=0)
    stance_min_s: float = 0.35
    stance_max_s: float = 1.2
    force_peak_bw: tuple[float, float] = (0.8, 1.5)
    force_mean_bw: tuple[float, float] = (0.6, 1.1)
    residual_limit_mm: float = 15.0
    other_plate_n: float = Field(30.0, gt=0, description="load of the other plate in single support: crossover")
    other_plate_s: float = Field(0.020, ge=0, description="for longer than this")
    belt_gap_m: float = Field(0.010, description="foot markers nearer to the gap than this in single support")
    cop_beside_foot_m: float = Field(0.025, gt=0, description="outside the hull of the foot markers")
    cop_outside_share: float = Field(0.10, gt=0, lt=1, description="for this share of 20-80 % of stance")
    plate_edge_m: float = Field(0.015, ge=0, description="centre of pressure nearer to the edge than this")
    weight_off: float = Field(0.03, gt=0, description="load of whole strides off body weight")
    timing_off: float = Field(0.25, gt=0, description="stance time off its median")
    shape_off_m: float = Field(0.004, gt=0, description="mean distance of two markers off its median")
    residual_off_mm: float = Field(1.5, gt=0, description="cluster residual over its median")
    hidden_moves_pct: float = Field(
        0.025, ge=0, description="%BW*Ht, one standard deviation, that KAM may differ for hidden shank markers"
    )
    knee_centre_sd_m: float = Field(0.003, ge=0, description="uncertainty of the knee centre across the leg")
    cop_sd_m: float = Field(0.002, ge=0, description="uncertainty of the centre of pressure")
    skew_sd_s: float = Field(0.003, ge=0, description="uncertainty of markers against forces")
    # One TICK (50 ms) and the way to the screen (10 ms) short of the 250 ms after which nothing stale may be shown.
    silent_neutral_s: float = 0.19
    silent_pause_s: float = 2.0
    expire_strides: float = 1.5
    foot_flat_height_m: float = 0.015
    foot_flat_speed_m_s: float = 0.15
    inertia: Literal["auto", "dumas", "winter", "deleva"] = "auto"
    tibia_frame: Literal["proximal", "distal", "lab", "points"] = "proximal"

    @property
    def tail_s(self) -> float:
        """Data after toe-off that a step's filter gets: max(60 ms, 0.6 / cut-off)."""
        return max(0.060, 0.6 / self.filter_hz)
