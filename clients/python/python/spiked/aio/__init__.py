"""spiked on an event loop.

>>> import asyncio, spiked.aio
>>> async def main():
...     async with spiked.aio.connect("robot:7411") as client:
...         async with client.open("motion", size=(640, 480)) as session:
...             await session.send(events)
...             await session.end_input()
...             async for output in session:
...                 print(output.decisions)
>>> asyncio.run(main())                             # doctest: +SKIP

Events, outputs, frames and networks are those of `spiked`. Waiting takes no thread, so that one loop may hold many
sessions.
"""

from .bridge import Opening
from .client import Client, connect
from .session import Loop, Session, Watch

__all__ = ["Client", "Loop", "Opening", "Session", "Watch", "connect"]
