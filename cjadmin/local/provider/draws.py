"""Names -> numbers in [0, 1) that look random and are the same every time."""

from hashlib import blake2b


def draw(*names: object) -> float:
    """One number for one list of names."""
    key = "\x1f".join(map(str, names)).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "big") / 2**64
