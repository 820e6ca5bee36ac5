"""Sessions, loops and watches on an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Self

from .. import _native, inputs
from ..inputs import Inputs
from ..loop import begun
from ..result import Result
from ..session import whole
from ..tables import Output, Tables
from ..watching import Seen, Watched
from .bridge import Closing, Opening, done


class Session(Tables):
    """One session: `send` events, read outputs by `async for`, `finish` for the rest.

    As a context manager it ends its input when the block ends; when the block fails or is cancelled, it closes the
    session. Several tasks may use it at once.

    Any of its calls may be cancelled, and the session goes on: a `send` that was cancelled has sent nothing of its
    events, a `read` has taken nothing, and what was said by `flush` and `end_input` stands.
    """

    def __init__(self, native: _native.Session) -> None:
        super().__init__(native.tables)
        self._native = native
        # What `finish` has read, which its being cancelled must not lose.
        self._finished: list[Output] = []

    async def send(self, events: Inputs, *, port: str | None = None, promise: bool = True) -> None:
        """Sends events or frames, as `spiked.Session.send` does. Waits while there is no room for more.

        Where output waits unread and nothing moves any more, it waits for whoever reads; where nobody ever has, it
        raises OutputUnread.
        """
        number, given = self._port(port), inputs.native(events)
        while not self._native.put(number, given, promise, True):
            await done(self._native.room(True))

    def promise_us(self, time_us: int) -> None:
        """Promises that no event before a time is still to come."""
        self._native.promise(time_us)

    async def flush(self) -> None:
        """Sends at once what is gathered, and waits until it is on its way."""
        self._native.flush()
        await done(self._native.sent(True))

    async def read(self) -> Output | None:
        """The next output; None after the end. For a limit in time, use `asyncio.timeout`."""
        while (portion := self._native.take()) is None:
            if self._native.over:
                return None
            await done(self._native.readable())
        return Output.of(portion)

    def __aiter__(self) -> Self:
        """Output after output, up to the end."""
        return self

    async def __anext__(self) -> Output:
        if (output := await self.read()) is None:
            raise StopAsyncIteration
        return output

    async def end_input(self) -> None:
        """Says that nothing more comes; the session runs on for what is under way, and ends."""
        self._native.end()
        await done(self._native.sent(True))

    async def finish(self) -> Result:
        """Ends the input, and gathers all output that is still unread.

        Raises SpikedError if the session ended for another reason than its input's end.
        """
        self._native.end()
        async for output in self:
            self._finished.append(output)
        return whole(self, self._finished)

    async def close(self) -> None:
        """Ends the session at once."""
        if not self._native.over:
            await done(self._native.close())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            await self.end_input()
        else:
            # What went wrong is what is told.
            try:
                await self.close()
            except _native.SpikedError:
                pass


class Loop(Tables, Closing):
    """A session that runs step by step; see `spiked.Loop`.

    A step that was cancelled is made all the same, and what came of it comes with the next.
    """

    def __init__(self, native: _native.Steps) -> None:
        super().__init__(native.tables)
        self._native = native

    async def step(
        self, until_us: int | None = None, inputs: Inputs | Mapping[str, Inputs] | None = None
    ) -> Output:
        """Takes input, runs every tick before a time [µs], and gives what came out of that."""
        return Output.of(await done(begun(self, self._native, until_us, inputs)))

    async def close(self) -> None:
        """Ends the session."""
        await done(self._native.close())


class Watch(Watched, Closing):
    """Sights of a session, one after the other; see `spiked.Watch`. A `read` that was cancelled has taken nothing."""

    async def read(self) -> Seen | None:
        """What is to be seen next; None after the end."""
        while (seen := self._native.take()) is None:
            if self._native.over:
                return None
            await done(self._native.readable())
        return self._seen(seen)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Seen:
        if (seen := await self.read()) is None:
            raise StopAsyncIteration
        return seen

    async def close(self) -> None:
        """Watches no longer."""
        self._native.close()


class OpeningWatch(Opening[Watch]):
    """A watch that may be iterated where it is opened."""

    async def __aiter__(self) -> AsyncIterator[Seen]:
        async with self as watch:
            async for seen in watch:
                yield seen
