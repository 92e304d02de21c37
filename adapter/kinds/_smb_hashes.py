"""What Samba keeps of a password instead of it, and the numbers of its users. Pure functions."""

from __future__ import annotations

import hashlib
import struct
from typing import Callable, List, Sequence, Tuple

_MASK = 0xFFFFFFFF
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
# By round: what is added, in which order the words of a block come, how far is turned.
_ROUNDS: Tuple[Tuple[int, Sequence[int], Sequence[int]], ...] = (
    (0, range(16), (3, 7, 11, 19)),
    (0x5A827999, [4 * (n % 4) + n // 4 for n in range(16)], (3, 5, 9, 13)),
    (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)
_MIXES: Tuple[Callable[[int, int, int], int], ...] = (
    lambda x, y, z: (x & y) | (~x & z),
    lambda x, y, z: (x & y) | (x & z) | (y & z),
    lambda x, y, z: x ^ y ^ z,
)
# Numbers of users and groups: above all that hosts give, and twice as much fits into a SID.
FIRST, COUNT = 1_000_000_000, 1_000_000_000


def md4(data: bytes) -> bytes:
    """Return the MD4 of some bytes (RFC 1320); Python's own is missing where OpenSSL has none."""
    padded = data + b"\x80" + b"\0" * ((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data))
    state = list(_START)
    for at in range(0, len(padded), 64):
        turned = _turned(state, struct.unpack("<16I", padded[at : at + 64]))
        state = [(old + new) & _MASK for old, new in zip(state, turned)]
    return struct.pack("<4I", *state)


def _turned(state: Sequence[int], words: Sequence[int]) -> List[int]:
    a, b, c, d = state
    for (added, order, turns), mix in zip(_ROUNDS, _MIXES):
        for step, index in enumerate(order):
            value = (a + mix(b, c, d) + words[index] + added) & _MASK
            turn = turns[step % 4]
            a, b, c, d = d, (value << turn | value >> (32 - turn)) & _MASK, b, c
    return [a, b, c, d]


def nt_hash(password: str) -> str:
    """Return the NT hash of a password, as smbpasswd files have it."""
    return md4(password.encode("utf-16-le", "surrogatepass")).hex().upper()


def number_of(name: str) -> int:
    """Return the number of a user or group: the same on each host, and whoever else there is.

    It stands in CephFS as the owner of files. Names are one where only their case differs.
    """
    digest = hashlib.sha256(name.lower().encode()).digest()
    return FIRST + int.from_bytes(digest[:8], "big") % COUNT


def sid_of(cluster: str, service: str) -> str:
    """Return the SID of a service, of which those of its users begin: the same on each host.

    Access lists of files name users by it.
    """
    digest = hashlib.sha256(f"{cluster}/{service}".encode()).digest()
    return "S-1-5-21-{}-{}-{}".format(*struct.unpack(">3I", digest[:12]))
