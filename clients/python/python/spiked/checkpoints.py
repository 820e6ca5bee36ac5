"""Arrays out of the files in which training leaves them: `.npz` of NumPy, and `.pt` of PyTorch without PyTorch.

A `.pt` file (as `torch.save` has written it since 1.6) is a zip archive: `data.pkl`, a pickle of what was saved, in
which tensors name their storages, and a member of raw numbers for each storage. The pickle of a stranger may call
whatever it names, so nothing is called here but what is in `_KNOWN`.
"""

from __future__ import annotations

import collections
import io
import math
import os
import pickle
import pickletools
import zipfile
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np

from .arrays import Array

#: Bytes of a member of an archive, at most.
MEMBER_MAX: Final = 1 << 30

_STORAGES: Final = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a `.npz` or `.pt` file holds, by name; tensors are arrays.

    Raises OSError for a file that cannot be opened, ValueError for one that is no such archive or is damaged.
    """
    path = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            held = _torch(archive) if _pickle_of(archive) else _numpy(archive)
    except OSError:
        raise
    # A damaged pickle may fail as anything.
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a .npz or .pt file: {error}") from error
    if not isinstance(held, Mapping):
        raise ValueError(f"{path} holds a {type(held).__name__}, expected tensors by name (a state_dict)")
    return {str(name): value for name, value in held.items()}


def _pickle_of(archive: zipfile.ZipFile) -> str | None:
    return next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > MEMBER_MAX:
        raise ValueError(f"{name} has {size} bytes, at most {MEMBER_MAX} are read")
    return archive.read(name)


def _numpy(archive: zipfile.ZipFile) -> dict[str, Array]:
    arrays = {}
    for name in archive.namelist():
        data = io.BytesIO(_member(archive, name))
        arrays[name.removesuffix(".npy")] = np.lib.format.read_array(data, allow_pickle=False)
    return arrays


def _torch(archive: zipfile.ZipFile) -> Any:
    name = _pickle_of(archive)
    assert name is not None
    folder = name.removesuffix("data.pkl")
    orders: dict[bytes, Literal["<", ">"]] = {b"little": "<", b"big": ">"}
    said = f"{folder}byteorder"
    order = orders[_member(archive, said)] if said in archive.namelist() else "<"
    return _Unpickler(archive, name, order).load()


def _tensor(storage: Array, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Array:
    if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
        raise ValueError(f"a tensor of size {size} with strides {stride} at {offset}")
    last = offset + sum((extent - 1) * step for extent, step in zip(size, stride, strict=True))
    if math.prod(size) and last >= storage.size:
        raise ValueError(f"a tensor ends at {last} in a storage of {storage.size}")
    if not math.prod(size):
        return np.empty(size, storage.dtype)
    steps = tuple(step * storage.itemsize for step in stride)
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps).copy()


def _parameter(tensor: Array, *_: Any) -> Array:
    return tensor


_KNOWN: Final = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}


#: What pickles of dictionaries of tensors consist of; whatever else a pickle may do is refused before it is done.
_OPCODES: Final = frozenset(
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINUNICODE SHORT_BINUNICODE "
    "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS BINPUT LONG_BINPUT "
    "MEMOIZE BINGET LONG_BINGET GLOBAL STACK_GLOBAL BINPERSID REDUCE BUILD".split()
)


def _sound(data: bytes) -> io.BytesIO:
    """A pickle that does nothing but what those of tensors do."""
    for count, (opcode, argument, at) in enumerate(pickletools.genops(data), 1):
        if opcode.name not in _OPCODES:
            raise ValueError(f"{opcode.name} at byte {at} of the pickle has no place among tensors")
        # As much room is made as the number says.
        if opcode.name in ("BINPUT", "LONG_BINPUT") and (argument or 0) > count:
            raise ValueError(f"{opcode.name} at byte {at} of the pickle keeps something as number {argument}")
    return io.BytesIO(data)


class _Unpickler(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, name: str, order: Literal["<", ">"]) -> None:
        super().__init__(_sound(_member(archive, name)))
        self._archive = archive
        self._folder = name.removesuffix("data.pkl")
        self._order = order

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _STORAGES:
            return np.dtype(_STORAGES[name]).newbyteorder(self._order)
        if (module, name) not in _KNOWN:
            raise ValueError(f"it asks for {module}.{name}, which no state_dict of plain tensors needs")
        return _KNOWN[module, name]

    def persistent_load(self, id: Any) -> Array:
        kind, dtype, key, _, _ = id
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ValueError(f"a storage of kind {kind!r} and type {dtype!r}")
        return np.frombuffer(_member(self._archive, f"{self._folder}data/{key}"), dtype)
