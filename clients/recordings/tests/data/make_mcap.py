"""Makes the MCAP files beside it with the field's own tools: mcap-ros2-support 0.6.0 and rosbags 0.11.9, each of
which writes MCAP and CDR by itself.

EVT3 words are written here from their layout, vectors among them. Run as `python make_mcap.py` where these two,
NumPy and what `make.py` needs are installed. Events are those of `some_events` in `tests/it/support.rs`.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from mcap.writer import CompressionType
from mcap.writer import Writer as Plain
from mcap_ros2.writer import Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Bag
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from make import some_events

FOLDER = Path(__file__).parent
WIDTH, HEIGHT = 320, 240
TIME_BASE_NS = 1_700_000_000_000_000_999

HEADER = "builtin_interfaces/Time stamp\nstring frame_id\n"
TIME = "int32 sec\nuint32 nanosec\n"
PACKET = """# A packet of camera events
std_msgs/Header header     # standard ROS header
uint32 height
uint32 width
uint64 seq        # to detect lost messages
uint64 time_base
string encoding
bool is_bigendian # of the machine
uint8[] events
"""
ARRAY = "std_msgs/Header header\nuint32 height\nuint32 width\ndvs_msgs/Event[] events\n"
EVENT = "uint16 x\nuint16 y\nbuiltin_interfaces/Time ts\nbool polarity\n"
STAMP = {"stamp": {"sec": 1_700_000_000, "nanosec": 5}, "frame_id": "eye"}


def with_parts(own, **parts):
    for name, text in parts.items():
        own += "=" * 80 + f"\nMSG: {name.replace('__', '/')}\n{text}"
    return own


PACKET_TEXT = with_parts(PACKET, std_msgs__Header=HEADER, builtin_interfaces__Time=TIME)
ARRAY_TEXT = with_parts(ARRAY, std_msgs__Header=HEADER, builtin_interfaces__Time=TIME, dvs_msgs__Event=EVENT)


def evt3(events, base_us=0):
    """Words of 16 bits; three events of a row and time in neighbouring columns make a vector."""
    words, high, low, row = [], None, 0, None
    rows = list(zip(*(column.tolist() for column in events)))
    at = 0
    while at < len(rows):
        t, x, y, on = rows[at]
        t += base_us
        if high != t >> 12 & 0xFFF:
            high, low = t >> 12 & 0xFFF, 0
            words.append(0x8000 | high)
        if low != t & 0xFFF:
            low = t & 0xFFF
            words.append(0x6000 | low)
        if row != y:
            row = y
            words.append(y)
        run = 1
        while run < 12 and at + run < len(rows) and rows[at + run] == (t - base_us, x + run, y, on):
            run += 1
        if run >= 3:
            words += [0x3000 | on << 11 | x, 0x4000 | (1 << run) - 1]
            at += run
        else:
            words.append(0x2000 | on << 11 | x)
            at += 1
    return np.array(words, "<u2").tobytes()


def mono(events):
    t, x, y, p = (column.astype("u8") for column in events)
    return (t * np.uint64(1000) | x << np.uint64(32) | y << np.uint64(48) | p << np.uint64(63)).astype("<u8").tobytes()


def part(events, begin, end):
    return tuple(column[begin:end] for column in events)


def packet(seq, encoding, events, time_base=0, is_big=False):
    return {
        **{"header": STAMP, "height": HEIGHT, "width": WIDTH, "seq": seq, "time_base": time_base},
        **{"encoding": encoding, "is_bigendian": is_big, "events": events},
    }


def in_rows(count):
    """Neighbours of a row that fire at once: what vectors are for."""
    n = np.arange(count)
    return n // 10 * 700, 20 + n % 10, n // 10 % HEIGHT, n // 20 % 2


def evt3_file(name, events, compression, left_out=(), base_us=0, bytes_each=202, crcs=True):
    """A camera and an inertial sensor, and a second camera that speaks later; packets end within what belongs
    together."""
    words = evt3(events, base_us)
    with open(FOLDER / name, "wb") as file:
        writer = Writer(file, chunk_size=1500, compression=compression, enable_crcs=crcs)
        text = writer.register_msgdef("std_msgs/msg/String", "string data\n")
        camera = writer.register_msgdef("event_camera_msgs/msg/EventPacket", PACKET_TEXT)
        for seq, begin in enumerate(range(0, len(words), bytes_each)):
            writer.write_message("/notes", text, {"data": f"packet {seq}"}, log_time=seq)
            if seq not in left_out:
                message = packet(10 + seq, "evt3", words[begin : begin + bytes_each], time_base=77)
                writer.write_message("/left/events", camera, message, log_time=seq)
            message = packet(seq, "mono", mono(part(events, 0, 2)))
            writer.write_message("/right/events", camera, message, log_time=seq)
        writer.finish()


def plain_file(name, events):
    """Without chunks, with an attachment and metadata between the messages; triggers come first."""
    with open(FOLDER / name, "wb") as file:
        writer = Plain(file, use_chunking=False, compression=CompressionType.NONE)
        writer.start(profile="ros2", library="by hand")
        store = typestore()
        schema = writer.register_schema("event_camera_msgs/msg/EventPacket", "ros2msg", PACKET_TEXT.encode())
        triggers = writer.register_channel("/triggers", "cdr", schema)
        channel = writer.register_channel("/events", "cdr", schema)
        writer.add_message(triggers, 0, cdr(store, packet(0, "trigger", bytes(16))), 0)
        count = len(events[0])
        for seq, begin in enumerate(range(0, count, 30)):
            message = packet(seq, "mono", mono(part(events, begin, begin + 30)), time_base=TIME_BASE_NS)
            writer.add_message(channel, seq, cdr(store, message), seq)
            writer.add_attachment(0, 0, "note.txt", "text/plain", b"not an event" * 10)
            writer.add_metadata("where", {"place": "laboratory"})
        writer.finish()


def typestore():
    store = get_typestore(Stores.ROS2_HUMBLE)
    types = get_types_from_msg(PACKET, "event_camera_msgs/msg/EventPacket")
    types |= get_types_from_msg(ARRAY, "dvs_msgs/msg/EventArray") | get_types_from_msg(EVENT, "dvs_msgs/msg/Event")
    store.register(types)
    return store


def header(store):
    stamp = store.types["builtin_interfaces/msg/Time"](sec=1_700_000_000, nanosec=5)
    return store.types["std_msgs/msg/Header"](stamp=stamp, frame_id="eye")


def cdr(store, message, little=True):
    fields = {**message, "header": header(store), "events": np.frombuffer(message["events"], "u1")}
    name = "event_camera_msgs/msg/EventPacket"
    return store.serialize_cdr(store.types[name](**fields), name, little_endian=little)


def array_cdr(store, events, little):
    time, event = store.types["builtin_interfaces/msg/Time"], store.types["dvs_msgs/msg/Event"]
    rows = [
        event(x=x, y=y, ts=time(sec=1_700_000_000 + t // 1_000_000, nanosec=t % 1_000_000 * 1_000 + 999), polarity=bool(p))
        for t, x, y, p in zip(*(column.tolist() for column in events))
    ]
    name = "dvs_msgs/msg/EventArray"
    array = store.types[name](header=header(store), height=HEIGHT, width=WIDTH, events=rows)
    return store.serialize_cdr(array, name, little_endian=little)


def bag_file(name, messages, compressed):
    """As `ros2 bag record` leaves it, by rosbags' own writer of MCAP: topics, types and raw messages."""
    with tempfile.TemporaryDirectory() as folder:
        bag = Bag(Path(folder) / "bag", version=9, storage_plugin=StoragePlugin.MCAP)
        if compressed:
            bag.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        store = typestore()
        with bag:
            topics = {}
            for number, (topic, kind, data) in enumerate(messages(store)):
                if topic not in topics:
                    topics[topic] = bag.add_connection(topic, kind, typestore=store)
                bag.write(topics[topic], number, data)
        shutil.copyfile(Path(folder) / "bag" / "bag.mcap", FOLDER / name)


def arrays(count, each, little):
    def messages(store):
        for begin in range(0, count, each):
            yield "/dvs/events", "dvs_msgs/msg/EventArray", array_cdr(store, part(some_events(count), begin, begin + each), little)

    return messages


def big_packets(store):
    """Machines of the other byte order, whose words and events are the other way round, too."""
    events = some_events(60)
    for seq, begin in enumerate(range(0, 60, 25)):
        swapped = np.frombuffer(mono(part(events, begin, begin + 25)), "<u8").astype(">u8").tobytes()
        message = packet(seq, "mono", swapped, time_base=TIME_BASE_NS, is_big=True)
        yield "/events", "event_camera_msgs/msg/EventPacket", cdr(store, message, little=False)


def unread(encoding):
    def messages(store):
        yield "/events", "event_camera_msgs/msg/EventPacket", cdr(store, packet(0, encoding, b"1234"))

    return messages


def without_camera(store):
    text = store.types["std_msgs/msg/String"](data="hello")
    yield "/chatter", "std_msgs/msg/String", store.serialize_cdr(text, "std_msgs/msg/String")


def main():
    evt3_file("evt3_zstd.mcap", some_events(400), CompressionType.ZSTD)
    evt3_file("evt3_lz4.mcap", some_events(400), CompressionType.LZ4)
    evt3_file("evt3_rows.mcap", in_rows(2000), CompressionType.ZSTD, bytes_each=1001)
    evt3_file("evt3_gap.mcap", some_events(400), CompressionType.ZSTD, left_out=(3,), base_us=(1 << 24) - 4_000)
    plain_file("mono_plain.mcap", some_events(100))
    bag_file("mono_big.mcap", big_packets, compressed=False)
    bag_file("dvs_little.mcap", arrays(200, 70, little=True), compressed=True)
    bag_file("dvs_big.mcap", arrays(60, 25, little=False), compressed=False)
    bag_file("libcaer.mcap", unread("libcaer_cmp"), compressed=False)
    bag_file("no_camera.mcap", without_camera, compressed=True)
    evt3_file("evt3_tiny.mcap", some_events(24), CompressionType.ZSTD, bytes_each=50, crcs=False)


if __name__ == "__main__":
    main()
