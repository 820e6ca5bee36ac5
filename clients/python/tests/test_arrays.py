"""What is taken for events, and what is not."""

import numpy as np
import pytest

import spiked
from spiked.arrays import packed


def test_events_are_made_from_columns() -> None:
    events = spiked.camera_events([1, 2], [3, 4], [5, 6], [1, -1])
    assert events.dtype == spiked.CAMERA
    assert events.tolist() == [(1, 3, 5, True), (2, 4, 6, False)]
    assert spiked.address_events([7], [8]).tolist() == [(7, 8)]


def test_other_libraries_names_are_known() -> None:
    theirs = np.zeros(2, [("timestamp", "<u8"), ("x", "<i4"), ("y", "<i4"), ("polarity", "i1")])
    theirs["polarity"] = [1, -1]
    assert packed(theirs)["p"].tolist() == [True, False]


def test_an_array_in_another_order_of_memory_is_packed() -> None:
    events = spiked.camera_events(range(10), [1] * 10, [2] * 10, [1] * 10)
    assert packed(events[::2])["t"].tolist() == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("events", "error", "said"),
    [
        (np.zeros(3), TypeError, "float64"),
        (np.zeros(3, [("a", "i4")]), TypeError, "'a'"),
    ],
)
def test_anything_else_is_refused(events: np.ndarray, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        packed(events)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (([0], [70_000], [0], [1]), "x holds 70000"),
        (([-1], [0], [0], [1]), "t holds -1"),
        (([0], [0.5], [0], [1]), "x holds values that are no whole numbers"),
        (([0, 1], [0], [0], [1]), "one length"),
    ],
)
def test_values_that_do_not_fit_are_named(columns: tuple[list[float], ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spiked.camera_events(*columns)


def test_an_image_is_on_less_off() -> None:
    events = spiked.camera_events(range(5), [0, 0, 2, 2, 2], [0, 0, 1, 1, 1], [1, 1, 0, 0, 1])
    assert spiked.event_image(events).tolist() == [[2, 0, 0], [0, 0, -1]]
    assert spiked.event_image(events, size=(4, 3)).shape == (3, 4)
    assert spiked.event_image(events[:0]).shape == (0, 0)
    with pytest.raises(ValueError, match=r"pixel \(2, 1\) is outside 2 x 2"):
        spiked.event_image(events, size=(2, 2))
    with pytest.raises(TypeError, match="expected t, x, y and p"):
        spiked.event_image(spiked.address_events([0], [0]))
    axes = spiked.show_events(events)
    assert axes.images[0].get_array().shape == (2, 3)
