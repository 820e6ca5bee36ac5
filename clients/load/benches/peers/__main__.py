"""What stream tools of others carry over loopback, and what the bare sockets below them do.

    python3 -m venv peers && peers/bin/pip install dv-processing faery numpy nest-simulator
    peers/bin/pip install --no-deps aestream nanobind
    peers/bin/python clients/load/benches/peers dv --rate 1e6
    peers/bin/python clients/load/benches/peers dv --rate 2e6 --events numpy
    peers/bin/python clients/load/benches/peers dv --rate 8e6 --events recording
    peers/bin/python clients/load/benches/peers faery --rate 5e5
    peers/bin/python clients/load/benches/peers aestream --rate 5e5
    peers/bin/python clients/load/benches/peers tcp --rate 40e6
    peers/bin/python clients/load/benches/peers unix --rate 40e6
    peers/bin/python clients/load/benches/peers nest

Writer and reader are processes of their own on this machine; a batch should leave each millisecond. One JSON
line: events sent and received, the rate at which they came, latencies from the intended moment of a batch
until its last event was read (where nothing was lost), processor seconds of a million events on both sides.
"""

import argparse
import json

import dv
import nest_steps
import sockets
import udp
from streaming import streamed

TOOLS = {
    "dv": (dv.write, dv.read),
    "faery": (udp.write_faery, udp.read_faery),
    "aestream": (udp.write_aestream, udp.read_aestream),
    "tcp": (sockets.write_tcp, sockets.read_tcp),
    "unix": (sockets.write_unix, sockets.read_unix),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tool", choices=[*TOOLS, "nest"])
    parser.add_argument("--rate", type=float, default=1e6, help="events a second")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument(
        "--events",
        choices=dv.EVENTS,
        default="ready",
        help="dv: packets made before, made of NumPy arrays when they are due, or read from a recording then",
    )
    arguments = parser.parse_args()
    if arguments.tool == "nest":
        told = nest_steps.stepped(int(arguments.seconds * 1_000))
    else:
        told = streamed(arguments, *TOOLS[arguments.tool])
    print(json.dumps(told))


if __name__ == "__main__":
    main()
