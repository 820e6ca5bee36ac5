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
from .recordings import Recording, open_recording, read
from .result import Result
from .running import run
from .session import Session
from .tables import Output, Position, SessionInfo
from .watching import WATCHED, Probe, Seen, Watch

__all__ = [
    "ADDRESS",
    "CAMERA",
    "DECISION",
    "SPIKE",
    "WATCHED",
    "__version__",
    "Client",
    "Daemon",
    "Disconnected",
    "Frames",
    "InvalidRecording",
    "Loop",
    "Network",
    "Output",
    "OutputUnread",
    "Position",
    "Probe",
    "Recording",
    "Refused",
    "Result",
    "Seen",
    "Session",
    "SessionInfo",
    "SpikedError",
    "Watch",
    "address_events",
    "camera_events",
    "connect",
    "event_image",
    "from_dcls",
    "open_recording",
    "read",
    "run",
    "show_events",
]
