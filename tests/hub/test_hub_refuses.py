"""What the hub will not work with, and what it says then."""

from __future__ import annotations

import pytest

from labfeedback.errors import StreamTrouble
from labfeedback.hub.discover import check_forces, check_markers, compare
from tests.hub.conftest import LABELS, MARKER_SET, force_layout, marker_layout, small_rig

RIG = small_rig("never-live")
MARKERS = RIG.streams.markers
FORCES = RIG.streams.forces


def test_streams_as_the_rig_describes_them_are_taken() -> None:
    check_markers(marker_layout(RIG), MARKERS, MARKER_SET, calibrated=False)
    check_markers(marker_layout(RIG, unit="mm"), MARKERS, MARKER_SET, calibrated=False)
    check_forces(force_layout(RIG), FORCES, RIG)


@pytest.mark.parametrize("unit", ["cm", "", "inch"])
def test_markers_in_an_unknown_unit_are_refused(unit: str) -> None:
    with pytest.raises(StreamTrouble, match="units that are not understood: RKL_X in"):
        check_markers(marker_layout(RIG, unit=unit), MARKERS, MARKER_SET, calibrated=False)


def test_a_missing_marker_is_named_with_those_that_are_there() -> None:
    without = [label for label in LABELS if label != "LHEEL"]
    with pytest.raises(StreamTrouble, match=r"lacks the markers LHEEL .* carries: RKL, RKM"):
        check_markers(marker_layout(RIG, labels=without), MARKERS, MARKER_SET, calibrated=False)


def test_medial_markers_may_be_off_after_a_static_trial_only() -> None:
    without = [label for label in LABELS if label[1:] not in ("KM", "AM")]
    check_markers(marker_layout(RIG, labels=without), MARKERS, MARKER_SET, calibrated=True)
    with pytest.raises(StreamTrouble, match="lacks the markers LAM, LKM, RAM, RKM"):
        check_markers(marker_layout(RIG, labels=without), MARKERS, MARKER_SET, calibrated=False)


def test_a_missing_plate_channel_is_named() -> None:
    channels = tuple(c for c in force_layout(RIG).channels if c.label != "FP2_Mz")
    with pytest.raises(StreamTrouble, match="lacks the channels FP2_Mz"):
        check_forces(force_layout(RIG, channels=channels), FORCES, RIG)


def test_a_plate_whose_sign_differs_from_the_rig_is_refused() -> None:
    with pytest.raises(StreamTrouble, match="has sign -1, the rig says \\+1"):
        check_forces(force_layout(RIG, sign=-1), FORCES, RIG)


def test_plates_that_changed_places_are_refused() -> None:
    layout = force_layout(RIG)
    one, two = layout.plates
    swapped = layout.model_copy(
        update={"plates": (one.model_copy(update={"side": "right"}), two.model_copy(update={"side": "left"}))}
    )
    with pytest.raises(StreamTrouble, match="plate 1 is the right one, the rig says left"):
        check_forces(swapped, FORCES, RIG)
    moved = layout.model_copy(update={"plates": (one.model_copy(update={"corners_m": two.corners_m}), two)})
    with pytest.raises(StreamTrouble, match="corners differ from the rig's by up to 520 mm"):
        check_forces(moved, FORCES, RIG)
    shifted = layout.model_copy(update={"plates": (one.model_copy(update={"origin_m": (0.0, 0.0, 0.02)}), two)})
    with pytest.raises(StreamTrouble, match="origin differ from the rig's by up to 20 mm"):
        check_forces(shifted, FORCES, RIG)


def test_a_stream_at_another_rate_is_refused() -> None:
    with pytest.raises(StreamTrouble, match="runs at 120 Hz, the rig says 100 Hz"):
        check_markers(
            marker_layout(RIG).model_copy(update={"nominal_rate": 120.0}), MARKERS, MARKER_SET, calibrated=False
        )
    check_markers(marker_layout(RIG).model_copy(update={"nominal_rate": 104.0}), MARKERS, MARKER_SET, calibrated=False)


def test_layouts_are_compared_by_channels_order_units_and_plates() -> None:
    layout = marker_layout(RIG)
    assert compare(layout, layout.model_copy()) == ""
    assert "source id 'm' -> 'x'" in compare(layout, layout.model_copy(update={"source_id": "x"}))
    assert "hostname '' -> 'another'" in compare(layout, layout.model_copy(update={"hostname": "another"}))
    assert "gone: RKL_X" in compare(layout, marker_layout(RIG, labels=["NEW", *LABELS[1:]]))
    assert "another order" in compare(layout, marker_layout(RIG, labels=[*LABELS[1:], LABELS[0]]))
    assert "RKL_X m -> mm" in compare(layout, marker_layout(RIG, unit="mm"))
    assert "plates" in compare(force_layout(RIG), force_layout(RIG, sign=-1))
