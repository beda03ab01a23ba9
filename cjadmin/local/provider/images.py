"""A base64 picture -> its bytes, its kind, and the text that a test has hidden in it."""

import struct
import zlib
from base64 import b64decode
from binascii import Error
from functools import lru_cache
from hashlib import blake2b

MAGIC = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
HEAD_CHARACTERS = 64  # of base64: 48 bytes hold every magic number and a PNG's size


def head(image: str) -> bytes:
    """The first bytes of the picture; b"" when it is not base64."""
    try:
        return b64decode(image[: HEAD_CHARACTERS - (0 if len(image) > HEAD_CHARACTERS else len(image) % 4)])
    except Error:
        return b""


def is_picture(image: str, media_type: str) -> bool:
    """Whether the bytes begin as pictures of that type do."""
    return media_type in MAGIC and head(image).startswith(MAGIC[media_type])


def digest(image: str) -> bytes:
    return blake2b(image.encode(), digest_size=16).digest()


def hidden_text(image: str) -> str:
    """The essay that a PNG keeps in a text chunk "essay", or a JPEG in its comment; "" otherwise."""
    return _hidden_text(image)


@lru_cache(maxsize=256)
def _hidden_text(image: str) -> str:
    try:
        data = b64decode(image)
    except Error:
        return ""
    return _of_png(data) if data.startswith(MAGIC["image/png"]) else _of_jpeg(data)


def _of_png(data: bytes) -> str:
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"tEXt" and body.startswith(b"essay\x00"):
            return body[6:].decode("utf-8", "replace")
        if kind == b"iTXt" and body.startswith(b"essay\x00"):
            return _of_itxt(body[6:])
        at += 12 + length
    return ""


def _of_itxt(body: bytes) -> str:
    packed, rest = body[:1] == b"\x01", body[2:]
    text = rest.split(b"\x00", 2)[-1]
    return (zlib.decompress(text) if packed else text).decode("utf-8", "replace")


def _of_jpeg(data: bytes) -> str:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0xD9, 0xDA):
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xFE:
            return data[at + 4 : at + 2 + length].decode("utf-8", "replace")
        at += 2 + max(length, 2)
    return ""
