"""How long a step of a closed loop takes, waited for in three ways: blocking, on an event loop, and on an event loop
through its threads; and how long 64 sessions that wait at once take to hear of one touch each. Medians, as JSON.

PYSPIKED_PROGRAM names the daemon's program, which should be a release build; so should the package
(pip install clients/python).
"""

import asyncio
import json
import statistics
import time

import numpy as np

import spiked
import spiked.aio

STEPS = 2_000
SESSIONS = 64


def network() -> spiked.Network:
    net = spiked.Network("relay", tick="1 ms")
    skin = net.input("skin", channels=64)
    cells = net.population("cells", shape=[64], neuron={"accumulator": {"threshold": 0.5}})
    net.project(skin, cells, one_to_one={"weight": 1.0, "delay": "1 ms"})
    return net


TOUCH = spiked.address_events(np.zeros(1), np.zeros(1))


def touch(step: int) -> spiked.arrays.Array:
    event = TOUCH.copy()
    event["t"] = step * 1_000
    return event


def blocking(client: spiked.Client) -> list[float]:
    took = []
    with client.open_loop("relay") as loop:
        for step in range(STEPS):
            began = time.perf_counter()
            loop.step((step + 1) * 1_000, touch(step))
            took.append(time.perf_counter() - began)
    return took


async def on_the_loop(client: spiked.aio.Client) -> list[float]:
    took = []
    async with client.open_loop("relay") as loop:
        for step in range(STEPS):
            began = time.perf_counter()
            await loop.step((step + 1) * 1_000, touch(step))
            took.append(time.perf_counter() - began)
    return took


async def through_threads(client: spiked.Client) -> list[float]:
    took = []
    with client.open_loop("relay") as loop:
        for step in range(STEPS):
            began = time.perf_counter()
            await asyncio.to_thread(loop.step, (step + 1) * 1_000, touch(step))
            took.append(time.perf_counter() - began)
    return took


async def many_on_the_loop(client: spiked.aio.Client) -> float:
    sessions = [await client.open("relay", origin_us=0) for _ in range(SESSIONS)]

    async def first(session: spiked.aio.Session) -> None:
        async for output in session:
            if output.spikes.size:
                return

    waiting = [asyncio.create_task(first(session)) for session in sessions]
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    for session in sessions:
        await session.send(touch(0))
        session.promise_us(10_000)
        await session.flush()
    await asyncio.gather(*waiting)
    took = time.perf_counter() - began
    for session in sessions:
        await session.close()
    return took


async def many_through_threads(client: spiked.Client) -> float:
    """Each read holds a thread, of which there are a few more than processors: it is given up now and then, or those
    whose turn never comes would wait for ever."""
    sessions = [client.open("relay", origin_us=0) for _ in range(SESSIONS)]

    async def first(session: spiked.Session) -> None:
        while True:
            output = await asyncio.to_thread(session.read, 0.01)
            if output is not None and output.spikes.size:
                return

    waiting = [asyncio.create_task(first(session)) for session in sessions]
    await asyncio.sleep(0.1)
    began = time.perf_counter()
    for session in sessions:
        await asyncio.to_thread(session.send, touch(0))
        session.promise_us(10_000)
        await asyncio.to_thread(session.flush)
    await asyncio.gather(*waiting)
    took = time.perf_counter() - began
    for session in sessions:
        session.close()
    return took


def told(took: list[float]) -> dict[str, float]:
    took.sort()
    return {
        "p50_us": round(statistics.median(took) * 1e6, 1),
        "p99_us": round(took[len(took) * 99 // 100] * 1e6, 1),
    }


def main() -> None:
    async def beside(address: str) -> tuple[list[float], float]:
        async with spiked.aio.connect(address) as client:
            return await on_the_loop(client), await many_on_the_loop(client)

    with spiked.connect() as client:
        client.load(network())
        blocking(client)
        steps = {"blocking": told(blocking(client))}
        took, many = asyncio.run(beside(client.address))
        steps["event loop"] = told(took)
        steps["event loop, through threads"] = told(asyncio.run(through_threads(client)))
        threads = asyncio.run(many_through_threads(client))
    print(
        json.dumps(
            {
                "bench": "python_waiting",
                "step": steps,
                "sessions": SESSIONS,
                "all_heard_ms": {"event loop": round(many * 1e3, 1), "through threads": round(threads * 1e3, 1)},
            }
        )
    )


main()
