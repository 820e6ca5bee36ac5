"""Waiting on an event loop for what the native half does beside it.

Giving up a wait loses nothing: what came is taken in the same step in which the waiting task goes on, never before.
"""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Awaitable, Callable, Generator
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from .. import _native

T = TypeVar("T")


class _Bridge:
    """The native half's way into one event loop: a socket that is readable when something is done.

    Knows its loop only while somebody waits, so that a loop that is over is forgotten with it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.native = _native.Bridge()
        self.waiting: dict[int, asyncio.Future[None]] = {}
        self.numbers = itertools.count()
        loop.add_reader(self.native.fileno(), self._done)

    def _done(self) -> None:
        for number in self.native.done():
            future = self.waiting.get(number)
            if future is not None and not future.done():
                future.set_result(None)


_BRIDGES: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Bridge] = weakref.WeakKeyDictionary()


async def done(pending: _native.Pending[T]) -> T:
    """What it comes to."""
    loop = asyncio.get_running_loop()
    bridge = _BRIDGES.get(loop)
    if bridge is None:
        bridge = _BRIDGES[loop] = _Bridge(loop)
    number = next(bridge.numbers)
    bridge.waiting[number] = future = loop.create_future()
    try:
        pending.start(bridge.native, number)
        await future
    except BaseException:
        pending.give_up()
        raise
    finally:
        del bridge.waiting[number]
    return pending.take()


class _Entered(Protocol):
    async def __aenter__(self) -> Any: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


E_ = TypeVar("E_", bound=_Entered)


class Opening(Generic[E_]):
    """What `connect`, `open`, `open_loop` and `watch` give: to be awaited, or entered by `async with`."""

    def __init__(self, open: Callable[[], Awaitable[E_]]) -> None:
        self._open = open
        self._opened: E_ | None = None

    def __await__(self) -> Generator[Any, None, E_]:
        return self._open().__await__()

    async def __aenter__(self) -> E_:
        self._opened = await self._open()
        await self._opened.__aenter__()
        return self._opened

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._opened is not None:
            await self._opened.__aexit__(kind, error, trace)


class Closing:
    """An asynchronous context manager that closes itself, however its block ends."""

    async def close(self) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
