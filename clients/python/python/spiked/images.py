"""Events of a camera as an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .arrays import CAMERA, Array, packed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def event_image(events: npt.ArrayLike, size: tuple[int, int] | None = None) -> Array:
    """ON less OFF events of each pixel: int64, [row, column].

    `size` is (columns, rows) of the sensor; without one the image ends at the largest pixel.

    Raises TypeError for what is no array of camera events, ValueError for pixels off the sensor.
    """
    array = packed(events)
    if array.dtype != CAMERA:
        raise TypeError(f"events with the fields {array.dtype.names}: expected t, x, y and p")
    x, y = array["x"].astype(np.intp), array["y"].astype(np.intp)
    largest = (int(x.max(initial=-1)), int(y.max(initial=-1)))
    columns, rows = size if size is not None else (largest[0] + 1, largest[1] + 1)
    if largest[0] >= columns or largest[1] >= rows:
        raise ValueError(f"pixel {largest} is outside {columns} x {rows}")
    signs = np.where(array["p"], 1.0, -1.0)
    sums = np.bincount(y * columns + x, signs, rows * columns)
    return sums.astype(np.int64).reshape(rows, columns)


def show_events(
    events: npt.ArrayLike,
    size: tuple[int, int] | None = None,
    axes: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draws `event_image`: the first row on top, ON and OFF in two colours."""
    image = event_image(events, size)
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots()[1]
    most = max(int(np.abs(image).max(initial=0)), 1)
    axes.imshow(image, **{"cmap": "RdBu", "vmin": -most, "vmax": most, **style})
    axes.set(xlabel="x [px]", ylabel="y [px]")
    return axes
