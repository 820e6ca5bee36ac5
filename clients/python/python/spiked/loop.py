"""Closed loops, step by step, for programs that wait."""

from __future__ import annotations

from collections.abc import Mapping

from . import _native, inputs
from .context import Closing
from .inputs import Inputs
from .tables import Output, Tables


class Loop(Tables, Closing):
    """A session that runs step by step, for a closed loop: what comes out of a step decides what goes in next.

    As a context manager it closes the session when the block ends.
    """

    def __init__(self, native: _native.Steps) -> None:
        super().__init__(native.tables)
        self._native = native

    def step(
        self, until_us: int | None = None, inputs: Inputs | Mapping[str, Inputs] | None = None
    ) -> Output:
        """Takes input, runs every tick before a time [µs], and gives what came out of that.

        `inputs` are events or `Frames` for the network's only input port, or a mapping by the names of ports. A step
        with frames ends behind the last of them, for time stands there until the next comes: so it does without
        `until_us`.
        A step that failed may be made again, without the input: it is with the step, and is taken once.

        Of a time that is over nothing more comes. Raises Refused where time stands because a port waits for its
        next frame, ValueError without `until_us` and frames.
        """
        return Output.of(begun(self, self._native, until_us, inputs).wait())

    def close(self) -> None:
        """Ends the session."""
        self._native.close().wait()


def begun(
    tables: Tables,
    native: _native.Steps,
    until_us: int | None,
    given: Inputs | Mapping[str, Inputs] | None,
) -> _native.Pending[_native._Portion]:
    """A step with its input."""
    until_us, by_port = inputs.of_step(until_us, given)
    # Named before anything is put: a step with a wrong port takes nothing.
    numbered = [(tables._port(port), one) for port, one in by_port.items()]
    for number, one in numbered:
        native.put(number, one)
    return native.step(until_us)
