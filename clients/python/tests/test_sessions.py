"""Sessions of a real daemon."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import spiked
from spiked.arrays import Array


def expected(touches: Array) -> list[tuple[int, int]]:
    """Each touch comes back 2 ms later."""
    return [(int(event["t"]) + 2_000, int(event["address"])) for event in touches]


def seen(spikes: Array) -> list[tuple[int, int]]:
    return [(int(spike["t"]), int(spike["address"])) for spike in spikes]


def test_every_touch_comes_back(client: spiked.Client, touches: Array) -> None:
    with client.open("relay") as session:
        session.send(touches)
        result = session.finish()
    assert seen(result.spikes) == expected(touches)
    assert result.position is not None and result.position.events == len(touches)


def test_output_comes_while_input_goes(client: spiked.Client, touches: Array) -> None:
    session = client.open("relay", origin_us=0)
    session.send(touches[:10])
    session.flush()
    spikes: list[tuple[int, int]] = []
    while len(spikes) < 9:
        output = session.read(timeout=10)
        assert output is not None, "output within ten seconds"
        spikes += seen(output.spikes)
    assert spikes == expected(touches[:10])[: len(spikes)]
    session.close()


def test_a_read_ends_after_its_time(client: spiked.Client) -> None:
    session = client.open("relay")
    while (output := session.read(timeout=0.2)) is not None:
        assert not output.spikes.size
    session.close()


def test_cuts_change_nothing(client: spiked.Client, touches: Array) -> None:
    whole = spiked.run("relay", touches, client=client)
    parts = spiked.run("relay", np.array_split(touches, 17), client=client)
    assert np.array_equal(whole.spikes, parts.spikes)


def test_more_than_a_message_holds(client: spiked.Client) -> None:
    count = 400_000
    events = spiked.address_events(np.arange(count) * 20, np.arange(count) % 64)
    result = spiked.run("relay", events, client=client)
    assert len(result.spikes) > 0
    assert result.position is not None and result.position.events == count


def test_refusals_are_typed(client: spiked.Client, touches: Array) -> None:
    with pytest.raises(spiked.Refused, match="nothing") as refused:
        client.open("nothing")
    assert refused.value.reason == "NETWORK_UNKNOWN"
    session = client.open("relay")
    with pytest.raises(ValueError, match="no input port 'eye'"):
        session.send(touches, port="eye")
    session.send(spiked.address_events([0], [64]))
    with pytest.raises(spiked.SpikedError, match="ended early"):
        session.finish()


def test_nobody_answers() -> None:
    with pytest.raises(spiked.Disconnected, match="no daemon answers"):
        spiked.connect("127.0.0.1:1")


def test_a_session_goes_on_from_a_snapshot(client: spiked.Client, touches: Array) -> None:
    session = client.open("relay", session_id="first", origin_us=0)
    session.send(touches[:100])
    session.flush()
    while (output := session.read(timeout=10)) is not None:
        if output.position and output.position.events == 100:
            break
    snapshot = client.snapshot("first")
    restored = client.restore(snapshot, "second")
    assert restored.session_id == "second"
    assert {info.session_id for info in client.sessions()} >= {"first", "second"}
    client.close_session("second")
    session.close()


def test_an_error_in_the_block_closes_the_session(client: spiked.Client) -> None:
    with pytest.raises(ZeroDivisionError):
        with client.open("relay", session_id="broken"):
            _ = 1 / 0
    assert "broken" not in {info.session_id for info in client.sessions()}


def test_ctrl_c_is_heard_while_waiting(client: spiked.Client) -> None:
    session = client.open("relay")
    while session.read(timeout=0.1) is not None:
        pass
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        session.read(timeout=60)
    assert time.monotonic() - began < 30
    session.close()


def test_a_stream_goes_on_where_a_killed_daemon_comes_back(
    networks: pathlib.Path, tmp_path: pathlib.Path, touches: Array
) -> None:
    data, listen = tmp_path / "data", f"unix:{tmp_path}/socket"
    first = spiked.Daemon(networks=networks, data=data, listen=listen)
    session = spiked.connect(first.address).open("relay", durability="each", patience=30.0)
    session.send(touches[:100])
    session.flush()
    first._process.kill()
    first._process.wait()
    with spiked.Daemon(networks=networks, data=data, listen=listen):
        session.send(touches[100:])
        assert seen(session.finish().spikes) == expected(touches)
    first.close()


def test_a_daemon_of_its_own_ends_with_its_client(networks: pathlib.Path, touches: Array) -> None:
    with spiked.connect(networks=networks) as client:
        process = client._daemon._process
        assert len(spiked.run("relay", touches, client=client).spikes) == len(touches)
    assert process.poll() is not None


def test_a_daemon_is_found_where_the_environment_says(
    daemon: spiked.Daemon, networks: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPIKED_ADDRESS", daemon.address)
    with spiked.connect() as client:
        assert client.address == daemon.address
    assert ("relay", "1") in [(name, version) for name, version in spiked.connect().networks()], "it goes on"
    # Who says what the networks are wants a daemon of his own.
    with spiked.connect(networks=networks) as client:
        assert client.address != daemon.address
    with pytest.raises(spiked.Disconnected):
        spiked.connect("unix:/nowhere/socket")
    monkeypatch.setenv("SPIKED_ADDRESS", "")
    with spiked.connect() as client:
        assert client.address != daemon.address


def test_a_daemon_says_which_process_it_is() -> None:
    with spiked.Daemon() as daemon:
        arguments = pathlib.Path(f"/proc/{daemon.pid}/cmdline").read_text().split("\0")
        assert arguments[1] == "serve" and daemon.address in arguments
    with pytest.raises(spiked.SpikedError, match="is closed"):
        daemon.pid  # noqa: B018


def test_a_real_recording_gives_what_the_command_line_gives(street: pathlib.Path) -> None:
    result = spiked.run("motion", street)
    assert (len(result.spikes), len(result.decisions)) == (57_676, 998)
    assert set(result.decided()) <= set(result.labels[int(result.decisions["port"][0])])
    axes = result.raster()
    assert axes.get_xlabel() == "time [s]"
    frame = result.to_pandas()
    assert list(frame.columns) == list(spiked.SPIKE.names or ())
    times, rates = result.rates()
    assert len(times) == len(rates) and rates.max() > 0


def test_forks_and_rewinds_go_their_own_way(client: spiked.Client, touches: Array) -> None:
    whole = spiked.run("relay", touches, client=client, origin_us=0).spikes
    half = len(touches) // 2
    with client.open_loop("relay", session_id="trunk") as trunk:
        until_us = int(touches["t"][half])
        before = trunk.step(until_us, touches[:half]).spikes
        taken = client.snapshot("trunk")
        forked = client.fork("trunk", "branch")
        assert (forked.session_id, forked.network) == ("branch", "relay")
        rest = trunk.step(700_000, touches[half:]).spikes
        assert np.array_equal(np.concatenate([before, rest]), whole)
        assert client.rewind("trunk", taken).session_id == "trunk"
    with client.open_loop("relay", session_id="branch") as branch:
        assert np.array_equal(branch.step(700_000, touches[half:]).spikes, rest)
    assert "branch" not in {info.session_id for info in client.sessions()}


def test_a_promise_lets_time_go_on(client: spiked.Client, touches: Array) -> None:
    session = client.open("relay", origin_us=0)
    session.send(touches[:1], promise=False)
    session.promise_us(50_000)
    session.flush()
    while (output := session.read(timeout=10)) is not None:
        if output.position is not None and output.position.simulated_to_us >= 50_000:
            break
    assert output is not None
    assert session.ranges(0) == [("cells", 0, (64,))]
    session.close()


def test_a_wrong_token_is_refused(
    networks: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("")
    with spiked.Daemon(networks=networks, options=("--tokens", str(tokens))) as daemon:
        with pytest.raises(spiked.Refused) as refused:
            spiked.connect(daemon.address, token="A" * 43).networks()
    assert refused.value.reason == "UNAUTHENTICATED"


def test_rates_are_drawn(client: spiked.Client, touches: Array) -> None:
    result = spiked.run("relay", touches, client=client)
    axes = result.plot_rates(window_us=30_000)
    t, rates = result.rates(window_us=30_000)
    assert len(axes.lines) == 1 and np.allclose(rates[:-1], 1e6 / 3_000)


def test_output_that_nobody_reads_stops_the_input(client: spiked.Client, touches: Array) -> None:
    """Not in silence, and nothing that was sent is lost."""
    session = client.open("relay", origin_us=0, unread_max=500)
    count = 3_000_000
    with pytest.raises(spiked.OutputUnread, match="500 spikes and decisions wait to be read"):
        for start in range(0, count, 100_000):
            t = np.arange(start, start + 100_000)
            session.send(spiked.address_events(t, t % 64))
    with pytest.raises(spiked.OutputUnread):
        session.end_input()
    result = session.finish()
    # Every array that was taken came through, and those are whole.
    assert result.position is not None and result.position.events % 100_000 == 0
    assert 100_000 <= result.position.events < count
    t = np.arange(result.position.events)
    assert result.spikes["multiplicity"].sum() > 0
    assert set(result.spikes["t"].tolist()) == set(((t // 1_000) * 1_000 + 2_000).tolist())


def test_an_array_may_be_longer_than_the_daemon_s_credit(client: spiked.Client) -> None:
    count = 1_500_000
    t = np.arange(count) * 2
    ordered = spiked.address_events(t, t % 64)
    whole = spiked.run("relay", ordered, client=client, origin_us=0)
    assert whole.position is not None and whole.position.events == count
    # Also where its events are not in order, as far as anybody may wait for them.
    shuffled = np.concatenate([piece[::-1] for piece in np.array_split(ordered, 30)])
    again = spiked.run("relay", shuffled, client=client, origin_us=0)
    assert np.array_equal(again.spikes, whole.spikes)


def test_a_live_session_goes_on_by_the_clock(client: spiked.Client, touches: Array) -> None:
    options: spiked.OpenOptions = {"live": True, "lateness_us": 1_000, "lag_max_us": 10_000_000}
    with client.open("relay", overload="drop_newest", **options) as session:
        session.send(touches[:1])
        session.flush()
        spikes: list[tuple[int, int]] = []
        while not spikes:
            output = session.read(timeout=10)
            assert output is not None, "though nothing else is sent"
            spikes = seen(output.spikes)
        assert spikes == expected(touches[:1])


def test_a_policy_that_there_is_none_of_is_named(client: spiked.Client) -> None:
    with pytest.raises(ValueError, match='overload is "sometimes", expected block, drop_oldest'):
        client.open("relay", overload="sometimes")  # type: ignore[arg-type]


def test_a_promise_cannot_be_taken_back(client: spiked.Client, touches: Array) -> None:
    session = client.open("relay", origin_us=0)
    session.send(touches[:5])
    with pytest.raises(spiked.SpikedError, match="a promise of 11000 µs is below the 12000 µs"):
        session.promise_us(11_000)
    session.send(touches[5:])
    assert seen(session.finish().spikes) == expected(touches)
    with pytest.raises(spiked.SpikedError, match="input has ended"):
        session.send(touches)


def test_a_row_that_the_wire_cannot_hold_is_named(client: spiked.Client) -> None:
    session = client.open("motion", size=(320, 240))
    with pytest.raises(ValueError, match="event 1 is in row 32768: at most 32767"):
        session.send(spiked.camera_events([0, 0], [0, 0], [0, 32_768], [1, 1]))
    session.close()


def test_a_daemon_of_its_own_ends_with_a_program_that_was_killed(networks: pathlib.Path) -> None:
    code = "import spiked, sys, time; d = spiked.Daemon(); print(d.pid, flush=True); time.sleep(60)"
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    daemon = pathlib.Path("/proc") / program.stdout.readline().strip()
    assert "serve" in (daemon / "cmdline").read_text()
    program.kill()
    program.wait()
    program.stdout.close()
    for _ in range(200):
        # Whoever adopts it may not have looked yet.
        if not daemon.exists() or "Z" in (daemon / "stat").read_text().rpartition(")")[2].split()[0]:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the daemon is still there after ten seconds")


def test_a_daemon_of_its_own_outlives_ctrl_c(networks: pathlib.Path) -> None:
    """A terminal sends it to all processes that were started there; a notebook goes on after it."""
    code = """
import signal, sys, spiked
signal.signal(signal.SIGINT, signal.default_int_handler)
client = spiked.connect(networks=sys.argv[1])
session = client.open("relay")
try:
    print("waits", flush=True)
    while True:
        session.read(timeout=60)
except KeyboardInterrupt:
    pass
events = spiked.address_events([0, 1_000], [1, 2])
print(len(spiked.run("relay", events, client=client).spikes), flush=True)
"""
    command = [sys.executable, "-c", code, str(networks)]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert program.stdout is not None and program.stdout.readline() == "waits\n"
    time.sleep(0.2)
    os.killpg(program.pid, signal.SIGINT)
    assert program.communicate(timeout=30)[0] == "2\n"
