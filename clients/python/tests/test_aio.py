"""Sessions of a real daemon on an event loop."""

from __future__ import annotations

import asyncio
import os
import pathlib
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

import spiked
import spiked.aio
from spiked.arrays import Array

from test_sessions import expected, seen

Run = Callable[[Callable[[spiked.aio.Client], Awaitable[Any]]], Any]


@pytest.fixture
def run(daemon: spiked.Daemon) -> Run:
    """Runs a coroutine with a client, on a loop of its own; an hour's hang becomes a failure."""

    def run(main: Callable[[spiked.aio.Client], Awaitable[Any]]) -> Any:
        async def with_client() -> Any:
            async with asyncio.timeout(60), spiked.aio.connect(daemon.address) as client:
                return await main(client)

        return asyncio.run(with_client())

    return run


def test_every_touch_comes_back(run: Run, touches: Array) -> None:
    async def main(client: spiked.aio.Client) -> None:
        async with client.open("relay") as session:
            await session.send(touches[:150])
            await session.send(touches[150:])
            await session.end_input()
            outputs = [output async for output in session]
        assert seen(np.concatenate([output.spikes for output in outputs])) == expected(touches)
        assert outputs[-1].ended is not None and outputs[-1].ended[0] == "COMPLETED"
        again = await client.open("relay")
        await again.send(touches)
        assert seen((await again.finish()).spikes) == expected(touches)

    run(main)


def test_reads_that_were_cancelled_have_taken_nothing(run: Run, touches: Array) -> None:
    """Cancelled before, at, and after the moment at which output comes."""
    chance = random.Random(1)

    async def main(client: spiked.aio.Client) -> None:
        session = await client.open("relay", origin_us=0)
        spikes: list[tuple[int, int]] = []
        cancelled = 0
        for touch in range(len(touches)):
            reading = asyncio.ensure_future(session.read())
            await session.send(touches[touch : touch + 1])
            await asyncio.sleep(chance.choice([0, 0, 0.0001, 0.0003, 0.001]))
            reading.cancel()
            try:
                output = await reading
            except asyncio.CancelledError:
                cancelled += 1
            else:
                assert output is not None
                spikes += seen(output.spikes)
        assert 10 < cancelled < len(touches), "some come in time, some do not"
        spikes += seen((await session.finish()).spikes)
        assert spikes == expected(touches)

    run(main)


def test_a_wait_that_is_done_and_cancelled_at_once_has_taken_nothing(run: Run, touches: Array) -> None:
    """The loop is held up until output is there, and the task cancelled before it goes on."""

    async def main(client: spiked.aio.Client) -> None:
        session = await client.open("relay", origin_us=0)
        with pytest.raises(TimeoutError):
            # What a session says at its beginning.
            while True:
                async with asyncio.timeout(0.3):
                    await session.read()
        reading = asyncio.ensure_future(session.read())
        await asyncio.sleep(0)
        # Neither waits, so that the loop does not go on before what comes of them is there.
        await session.send(touches)
        session.promise_us(700_000)
        bridge = spiked.aio.bridge._BRIDGES[asyncio.get_running_loop()]
        until = time.monotonic() + 10
        while not (waiting := [one for one in bridge.waiting.values() if one.done()]):
            assert time.monotonic() < until
            bridge._done()
        assert len(waiting) == 1
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert seen((await session.finish()).spikes) == expected(touches)

    run(main)


def test_sends_that_were_cancelled_have_sent_nothing(run: Run) -> None:
    async def main(client: spiked.aio.Client) -> None:
        session = await client.open("relay", origin_us=0, unread_max=100)
        assert await read_some(session) is not None, "it is one that is read"
        sent, cancelled, t_us = 0, 0, 0
        while cancelled < 3:
            t = np.arange(t_us, t_us + 200_000)
            try:
                async with asyncio.timeout(0.3):
                    await session.send(spiked.address_events(t, t % 64))
                sent, t_us = sent + len(t), t_us + len(t)
            except TimeoutError:
                cancelled += 1
                t_us += 1_000
        result = await session.finish()
        assert result.position is not None and result.position.events == sent + 1

    async def read_some(session: spiked.aio.Session) -> spiked.Output | None:
        await session.send(spiked.address_events([0], [0]))
        await session.flush()
        return await session.read()

    run(main)


def test_who_reads_slowly_slows_who_sends(run: Run) -> None:
    """All comes through, and never much more is under way than there is room for."""
    count, piece = 2_000_000, 20_000

    async def main(client: spiked.aio.Client) -> None:
        session = await client.open("relay", origin_us=0, unread_max=2_000)
        sent = 0

        async def feed() -> None:
            nonlocal sent
            for start in range(0, count, piece):
                t = np.arange(start, start + piece)
                await session.send(spiked.address_events(t, t % 64))
                sent += piece
            await session.end_input()

        feeding = asyncio.create_task(feed())
        ahead, spikes, position = 0, 0, 0
        async for output in session:
            spikes += int(output.spikes["multiplicity"].sum())
            position = output.position.events if output.position else position
            ahead = max(ahead, sent - position)
            await asyncio.sleep(0.005)
        await feeding
        assert position == count
        # The daemon's credit, and what waits to be sent.
        assert ahead < (1 << 20) + (1 << 18) + 4 * piece

    run(main)


def test_output_that_nobody_ever_reads_is_told(run: Run) -> None:
    async def main(client: spiked.aio.Client) -> None:
        session = await client.open("relay", origin_us=0, unread_max=500)
        with pytest.raises(spiked.OutputUnread):
            for start in range(0, 3_000_000, 100_000):
                t = np.arange(start, start + 100_000)
                await session.send(spiked.address_events(t, t % 64))
        await session.close()

    run(main)


def test_a_step_that_was_cancelled_comes_with_the_next(run: Run, touches: Array) -> None:
    async def main(client: spiked.aio.Client) -> None:
        spikes: list[tuple[int, int]] = []
        cancelled = 0
        async with client.open_loop("relay") as loop:
            for until_us in range(10_000, 620_000, 10_000):
                due = (touches["t"] >= until_us - 10_000) & (touches["t"] < until_us)
                stepping = asyncio.ensure_future(loop.step(until_us, touches[due]))
                await asyncio.sleep(0)
                if until_us % 20_000 == 0:
                    stepping.cancel()
                try:
                    spikes += seen((await stepping).spikes)
                except asyncio.CancelledError:
                    cancelled += 1
            spikes += seen((await loop.step(620_000)).spikes)
        assert cancelled == 30
        assert spikes == expected(touches)

    run(main)


def test_a_session_that_nobody_waited_for_is_closed(run: Run) -> None:
    async def main(client: spiked.aio.Client) -> None:
        before = {info.session_id for info in await client.sessions()}
        for attempt in range(30):
            name = f"unwanted-{attempt}"
            opening = asyncio.ensure_future((client.open("relay", session_id=name)).__aenter__())
            await asyncio.sleep(attempt * 0.0003)
            opening.cancel()
            try:
                await (await opening).close()
            except asyncio.CancelledError:
                pass
        for _ in range(100):
            left = {info.session_id for info in await client.sessions()} - before
            if not left:
                break
            await asyncio.sleep(0.05)
        assert not left

    run(main)


def test_a_block_that_fails_or_is_cancelled_closes_its_session(run: Run) -> None:
    async def main(client: spiked.aio.Client) -> None:
        with pytest.raises(ZeroDivisionError):
            async with client.open("relay", session_id="failed"):
                _ = 1 / 0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), client.open("relay", session_id="late") as session:
                async for _ in session:
                    pass
        left = {info.session_id for info in await client.sessions()}
        assert not left & {"failed", "late"}

    run(main)


def threads() -> int:
    return len(os.listdir("/proc/self/task"))


def test_many_sessions_share_a_loop(run: Run, touches: Array) -> None:
    async def one(client: spiked.aio.Client, number: int) -> int:
        async with client.open("relay", session_id=f"many-{number}") as session:

            async def feed() -> None:
                for piece in np.array_split(touches, 5):
                    await session.send(piece)
                    await asyncio.sleep(0.001)
                await session.end_input()

            feeding = asyncio.create_task(feed())
            spikes = [output.spikes async for output in session]
            await feeding
            assert seen(np.concatenate(spikes)) == expected(touches)
            return threads()

    async def main(client: spiked.aio.Client) -> None:
        before = threads()
        counts = await asyncio.gather(*(one(client, number) for number in range(100)))
        assert max(counts) <= before + 2, "no session takes a thread"

    run(main)


def test_a_session_is_watched(run: Run, touches: Array) -> None:
    async def main(client: spiked.aio.Client) -> None:
        async with client.open("relay", session_id="seen", origin_us=0) as session:
            async with client.watch("seen", input=True, output=True) as watch:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await watch.read()
                await session.send(touches)
                result = await session.finish()
                sights = [sight async for sight in watch]
        assert np.array_equal(np.concatenate([sight.spikes for sight in sights]), result.spikes)
        events = np.concatenate([sight.events for sight in sights])
        assert events["t"].tolist() == touches["t"].tolist()
        with pytest.raises(spiked.Refused):
            async for _ in client.watch("nobody"):
                pass

    run(main)


def test_the_calls_are_those_of_the_other_client(run: Run, touches: Array) -> None:
    async def main(client: spiked.aio.Client) -> None:
        assert "relay" in {name for name, _ in await client.networks()}
        net = spiked.Network("built-aio", tick="1 ms")
        net.project(
            net.input("skin", channels=4),
            net.population("cells", shape=[4], neuron={"accumulator": {"threshold": 0.5}}),
            one_to_one={"weight": 1.0, "delay": "1 ms"},
        )
        assert await client.load(net) == ("built-aio", net.version)
        async with client.open_loop("relay", session_id="stem") as stem:
            await stem.step(90_000, touches[:30])
            taken = await client.snapshot("stem")
            assert (await client.fork("stem", "twig")).session_id == "twig"
            assert (await client.restore(taken, "graft")).network == "relay"
            rest = await stem.step(700_000, touches[30:])
            assert (await client.rewind("stem", taken)).session_id == "stem"
        await client.close_session("graft")
        async with client.open_loop("relay", session_id="twig") as twig:
            assert np.array_equal((await twig.step(700_000, touches[30:])).spikes, rest.spikes)
        with pytest.raises(spiked.Refused) as refused:
            await client.open("nothing")
        assert refused.value.reason == "NETWORK_UNKNOWN"

    run(main)


def test_a_connection_that_broke_says_so(networks: pathlib.Path, touches: Array) -> None:
    async def main() -> None:
        client = await spiked.aio.connect(networks=networks)
        session = await client.open("relay", patience=None)
        await session.send(touches)
        await client.close()
        with pytest.raises(spiked.SpikedError):
            async for output in session:
                assert output.ended is None or output.ended[0] != "COMPLETED"
            await session.send(touches)
        with pytest.raises(spiked.Disconnected):
            await client.open("relay")

    asyncio.run(main())


def test_loops_that_are_over_leave_nothing_open(run: Run, touches: Array) -> None:
    async def main(client: spiked.aio.Client) -> None:
        async with client.open("relay") as session:
            await session.send(touches)

    run(main)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        run(main)
    assert len(os.listdir("/proc/self/fd")) <= before + 5


PROGRAM = """
import asyncio, signal, sys
import spiked.aio

# Whoever starts the tests may have said to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def main():
    async with spiked.aio.connect(sys.argv[1] or None) as client:
        async with client.open("motion", session_id="interrupted", size=(320, 240)) as session:
            print("waits", flush=True)
            async for output in session:
                pass

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("own", [False, True])
def test_ctrl_c_ends_the_wait_and_closes_the_session(daemon: spiked.Daemon, own: bool) -> None:
    """As from a terminal, which sends it to all processes that were started there."""
    address = "" if own else daemon.address
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), address],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "waits\n"
    os.killpg(program.pid, signal.SIGINT)
    assert program.communicate(timeout=30)[0] == "interrupted\n"
    assert program.returncode == 0
    sessions = spiked.connect(daemon.address).sessions()
    assert "interrupted" not in {info.session_id for info in sessions}
