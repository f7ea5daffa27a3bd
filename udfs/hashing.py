"""The hash behind ids and content hashes."""

import hashlib


def blake2b_128(data: bytes | memoryview) -> str:
    """Return BLAKE2b (RFC 7693) with a digest of 128 bits, unkeyed, as 32 hex characters.

    Two of 10^12 texts collide with a probability of about 10^-15.
    """
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def unit_of(name: str) -> float:
    """Return a number in [0, 1) from a name's digest: as if drawn at random, always the same."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
