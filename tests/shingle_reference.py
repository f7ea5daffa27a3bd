"""Shingles as `winnow.udfs.shingles` defines them, in plain Python."""


def shingles(text: str, unit: str = "word", size: int = 5) -> list[str]:
    words = text.split()
    if not words:
        return []
    if unit == "char":
        joined = " ".join(words)
        return [joined[i : i + size] for i in range(max(1, len(joined) - size + 1))]
    return [" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1))]
