"""Sessions that events go into and spikes come out of, for programs that wait."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from . import _native, inputs
from .inputs import Inputs
from .result import Result
from .tables import Output, Tables


class Session(Tables):
    """One session: `send` events, read outputs by iterating, `finish` for the rest.

    As a context manager it ends its input when the block ends; when the block fails, it closes the session.
    """

    def __init__(self, native: _native.Session) -> None:
        super().__init__(native.tables)
        self._native = native
        # What `finish` has read, which a Ctrl-C must not lose.
        self._finished: list[Output] = []

    def send(self, events: Inputs, *, port: str | None = None, promise: bool = True) -> None:
        """Sends events: an array of `CAMERA` or `ADDRESS`, or one with such fields; or `Frames`.

        With `promise`, nothing before the latest of them is still to come, so that the network may go on up to
        there; without, say so by `promise_us`. Waits while there is no room for more; what is refused of them is
        told by the output.

        Raises TypeError and ValueError for what is no array of events, OutputUnread where too much output waits to
        be read, Disconnected for a connection that broke, SpikedError for a session that has ended.
        """
        number, given = self._port(port), inputs.native(events)
        while not self._native.put(number, given, promise, False):
            self._native.room(False).wait()

    def promise_us(self, time_us: int) -> None:
        """Promises that no event before a time is still to come."""
        self._native.promise(time_us)

    def flush(self) -> None:
        """Sends at once what is gathered, and waits until it is on its way."""
        self._native.flush()
        self._native.sent(False).wait()

    def read(self, timeout: float | None = None) -> Output | None:
        """The next output; None after so many seconds without any, and after the end."""
        while (portion := self._native.take()) is None:
            if self._native.over:
                return None
            self._native.readable(timeout).wait()
            if timeout is not None:
                portion = self._native.take()
                break
        return None if portion is None else Output.of(portion)

    def __iter__(self) -> Iterator[Output]:
        """Output after output, up to the end."""
        while (output := self.read()) is not None:
            yield output

    def end_input(self) -> None:
        """Says that nothing more comes; the session runs on for what is under way, and ends."""
        self._native.end()
        self._native.sent(False).wait()

    def finish(self) -> Result:
        """Ends the input, and gathers all output that is still unread.

        Raises SpikedError if the session ended for another reason than its input's end.
        """
        self._native.end()
        for output in self:
            self._finished.append(output)
        return whole(self, self._finished)

    def close(self) -> None:
        """Ends the session at once."""
        if not self._native.over:
            self._native.close().wait()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.end_input()
        else:
            # What went wrong is what is told.
            try:
                self.close()
            except _native.SpikedError:
                pass


def whole(session: Tables, outputs: list[Output]) -> Result:
    """All that was still to come of a session; the list is empty afterwards.

    Raises SpikedError if it ended for another reason than its input's end.
    """
    ended = outputs[-1].ended if outputs else None
    if ended is not None and ended[0] != "COMPLETED":
        raise _native.SpikedError(f"the session ended early: {ended[0]} {ended[1]}".rstrip())
    result = Result.of(session, outputs)
    outputs.clear()
    return result
