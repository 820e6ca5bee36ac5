"""Spiking neural networks on live event streams.

>>> import spiked
>>> result = spiked.run("motion", "street.es")      # doctest: +SKIP
>>> result.raster()                                 # doctest: +SKIP

Events and spikes are structured NumPy arrays: `CAMERA`, `ADDRESS` and `SPIKE` are their dtypes. Times are µs
of the sender's clock.
"""

from ._native import (
    VERSION as __version__,
)
from ._native import (
    Disconnected,
    InvalidRecording,
    OutputUnread,
    Refused,
    SpikedError,
)
from .arrays import ADDRESS, CAMERA, DECISION, SPIKE, address_events, camera_events
from .client import Client, connect
from .daemon import Daemon
from .dcls import from_dcls
from .frames import Frames
from .images import event_image, show_events
from .loop import Loop
from .network import Network
from .nir import NirNetwork, from_nir

# Not in `__all__`: who imports everything keeps the `open` of Python.
from .opening import open as open
from .rates import FilteredRates
from .recordings import Recording, open_recording, read
from .result import Result
from .running import run
from .samples import Sample, Samples, read_samples
from .session import Session
from .tables import Output, Position, SessionInfo
from .touch import WHISKER, Touch, TouchRecording, open_touch, read_touch
from .watching import WATCHED, Probe, Seen, Watch

__all__ = [
    "ADDRESS",
    "CAMERA",
    "DECISION",
    "SPIKE",
    "WATCHED",
    "WHISKER",
    "__version__",
    "Client",
    "Daemon",
    "Disconnected",
    "FilteredRates",
    "Frames",
    "InvalidRecording",
    "Loop",
    "Network",
    "NirNetwork",
    "Output",
    "OutputUnread",
    "Position",
    "Probe",
    "Recording",
    "Refused",
    "Result",
    "Sample",
    "Samples",
    "Seen",
    "Session",
    "SessionInfo",
    "SpikedError",
    "Touch",
    "TouchRecording",
    "Watch",
    "address_events",
    "camera_events",
    "connect",
    "event_image",
    "from_dcls",
    "from_nir",
    "open_recording",
    "open_touch",
    "read",
    "read_samples",
    "read_touch",
    "run",
    "show_events",
]
