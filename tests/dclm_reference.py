"""DCLM's definitions in plain Python, and texts that meet their special cases often."""

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import winnow.udfs
from winnow.udfs.characters import code_points
from winnow.udfs.refinedweb_clean import COUNTERS
from winnow.udfs.text_signals import STOP_WORDS

ROOM = Path(winnow.udfs.__file__).parent
DOMAINS = json.loads((ROOM / "top_level_domains.json").read_text("utf-8"))["domains"]
BREAKS = {
    chr(point): name
    for name, ranges in json.loads((ROOM / "word_breaks.json").read_text()).items()
    if name not in ("unicode", "Extended_Pictographic")
    for point in code_points(ranges)
} | dict.fromkeys("\r\n\v\f\x85\u2028\u2029", "Newline")
PICTOGRAPHS = set(
    map(
        chr,
        code_points(json.loads((ROOM / "word_breaks.json").read_text())["Extended_Pictographic"]),
    )
)

SPECIAL = [
    "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\x1c", "\0", "\t", " ", "  ",
    "\u3000", "\u00a0", "\u200b", "\u200d", "\ufeff", "\ufffd", ".", "..", "...", ". . .", "…",
    "#", "●", "•", "*", "- ", "The ", "In ", "the and ", "THE", "ABC DEF\n", "Ab\n", "123\n",
    "²\n", "٣", "½", "1,234 likes\n", "1.2K views", "3\u212a boo\u212amarks!\n", "7 likes x\n",
    "\n- 12m shares…\n", "Read more...", "read more »»»\n", " Read More abc\n", "Items in cart",
    " ıtemſ İn cart\n", "sign-in ", "Sign-In\n", "see example.com/a?b=c, ", "http://example.org",
    "https://ab.c.de:80/x ", "ftp://10.0.0.1/x", " 192.168.0.1", "256.1.1.1", "1.2.3.4.5",
    "999.1.1.1", "a@b.net", "readme.md", "xhttp://a.io", ":http://1.2.3.4", "=.com", "a.测试 ",
    "a.测试b", "x.comma", "x.com_", "é1.2.3.4", "y" * 255 + ".com", "y" * 257 + ".com.de",
    "http://" + "z" * 300 + ".com", " " * 12 + "w.com", "can't", "a'", "'b", "3.5", "3.", "U.S.A",
    "a:b", "a_b", "_c", "x-y", "ア", "ー", "א", '"', "'", "ℹ", "😀", "🇺🇸", "e\u0301", "語",
    "ก", "İ", "ﬁ", "Ⓐ", "\U0010ffff", "\u0308", "\u00ad", "a line that comes again.\n",
    "one two three four five six ", "one two three ", "a b a b a b ",
]  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(SPECIAL) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=30,
).map("".join)


def fasttext_words(text: str) -> list[str]:
    return [word for word in re.split("[ \n\r\t\v\f\0]+", text) if word and word[0].isalnum()]


def segments(text: str, cut: str) -> list[str]:
    return [segment for part in text.split(cut) if (segment := part.strip())]


def quality(text: str) -> dict[str, int]:
    chunks, lines = text.split(), segments(text, "\n")
    return {
        "words": len(fasttext_words(text)),
        "chunks": len(chunks),
        "chunk_chars": sum(map(len, chunks)),
        "chunks_without_letter": sum(not any(c.isalpha() for c in chunk) for chunk in chunks),
        "stop_words": sum(chunk.lower() in STOP_WORDS for chunk in chunks),
        "symbols": sum(text.count(symbol) for symbol in ("#", "...", ". . .", "…")),
        "lines": len(lines),
        "bullet_lines": sum(line.startswith(("●", "•", "*", "-")) for line in lines),
        "ellipsis_lines": sum(line.endswith(("...", ". . .", "…")) for line in lines),
    }


def unicode_words(text: str) -> list[str]:
    """UAX 29 rule by rule: every place between two characters is looked at."""
    kinds = [BREAKS.get(character, "Other") for character in text]
    ignored = {"Extend", "Format", "ZWJ"}
    letters, mid = {"ALetter", "Hebrew_Letter"}, {"MidNumLet", "Single_Quote"}

    def near(place: int, step: int) -> tuple[int, str]:
        while 0 <= place < len(kinds) and kinds[place] in ignored:
            place += step
        return place, kinds[place] if 0 <= place < len(kinds) else "end"

    def is_break(i: int) -> bool:
        if "Newline" in (kinds[i - 1], kinds[i]):
            return True
        if kinds[i - 1] == "ZWJ" and text[i] in PICTOGRAPHS:
            return False
        if kinds[i] in ignored:
            return False
        (place, last), kind, (_, after) = near(i - 1, -1), kinds[i], near(i + 1, 1)
        before = near(place - 1, -1)[1]
        connected = letters | {"Numeric", "Katakana"}
        return not (
            (last in letters and kind in letters)
            or (last in letters and kind in mid | {"MidLetter"} and after in letters)
            or (before in letters and last in mid | {"MidLetter"} and kind in letters)
            or (last == "Hebrew_Letter" and kind == "Single_Quote")
            or (last == after == "Hebrew_Letter" and kind == "Double_Quote")
            or (before == kind == "Hebrew_Letter" and last == "Double_Quote")
            or (last == kind == "Numeric")
            or (last in letters and kind == "Numeric")
            or (last == "Numeric" and kind in letters)
            or (before == kind == "Numeric" and last in mid | {"MidNum"})
            or (last == after == "Numeric" and kind in mid | {"MidNum"})
            or (last == kind == "Katakana")
            or (last in connected | {"ExtendNumLet"} and kind == "ExtendNumLet")
            or (last == "ExtendNumLet" and kind in connected)
        )

    cuts = [0, *(i for i in range(1, len(text)) if is_break(i)), len(text)]
    parts = [text[start:end] for start, end in pairwise(cuts)]
    return [part for part in parts if part and part[0].isalnum()]


def repetition(text: str) -> dict[str, int]:
    found = {"chars": len(text)}
    for name, cut in (("line", "\n"), ("paragraph", "\n\n")):
        parts = segments(text, cut)
        times = Counter(parts)
        repeated = [part for part in parts if times[part] > 1]
        found |= {f"{name}s": len(parts), f"{name}_chars": len("".join(parts))}
        found |= {f"repeated_{name}s": len(repeated)}
        found |= {f"repeated_{name}_chars": len("".join(repeated))}
    words = unicode_words(text)
    found["word_chars"] = len("".join(words))
    for n in range(2, 11):
        grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
        counts = Counter(grams)
        most = max(counts.values(), default=0)
        if n <= 4:
            longest = max((len("".join(g)) for g, c in counts.items() if c == most), default=0)
            found[f"top_{n}_gram_chars"] = longest * most if most > 1 else 0
        else:
            marked = {i + k for i, gram in enumerate(grams) if counts[gram] > 1 for k in range(n)}
            found[f"repeated_{n}_gram_chars"] = sum(len(words[i]) for i in marked)
    return found


TAIL = r"[-a-zA-Z0-9()@:%_+.~#?&/=]*"
ANY_DOMAIN = "|".join(map(re.escape, sorted(DOMAINS, key=len, reverse=True)))
GUARD = re.compile(ANY_DOMAIN, re.IGNORECASE)
URL = re.compile(
    rf"\s{{0,10}}((https?|ftp)://)?[-a-zA-Z0-9@:%._+~#=]{{1,256}}\.({ANY_DOMAIN})\b{TAIL}"
)
IP_ADDRESS = re.compile(
    rf"\s{{0,10}}\b((https?|ftp)://)?([0-2]?[0-9]{{1,2}}\.){{3}}[0-2]?[0-9]{{1,2}}{TAIL}"
)


def without_urls(text: str) -> dict[str, Any]:
    urls = addresses = 0
    if GUARD.match(text):
        text, urls = URL.subn("", text)
    text, addresses = IP_ADDRESS.subn("", text)
    short = re.sub("\n{3,}", "\n\n", text)
    return {
        "text": short,
        "urls": urls,
        "ip_addresses": addresses,
        "newlines": len(text) - len(short),
    }


COUNTER = re.compile(rf"^\W*\d(?:,|\.|\d)*[kmb]?\s+(?:{'|'.join(COUNTERS)})\W*$")
PHRASES = {
    "substring_cart": ("cart_phrases", re.compile(r"\s?items in cart", re.IGNORECASE)),
    "substring_read_more": ("read_more_phrases", re.compile(r"\s?read more...$", re.IGNORECASE)),
    "substring_sign_in": ("sign_in_phrases", re.compile(r"^sign-in\s?", re.IGNORECASE)),
}
REMOVED = {
    "uppercase_ratio_line": (
        "uppercase_lines",
        lambda line: line and sum(c.isupper() for c in line) / len(line) > 0.5,
    ),
    "numeric_ratio_line": (
        "numeric_lines",
        lambda line: line and sum(c.isdigit() for c in line) / len(line) > 0.999999,
    ),
    "counter_line": ("counter_lines", lambda line: COUNTER.search(line.lower())),
    "line_length": ("short_lines", lambda line: line and len(line.split()) < 2),
}


def clean(text: str, modifiers: tuple[str, ...] = (*REMOVED, *PHRASES)) -> dict[str, Any]:
    counts = {name: 0 for name, _ in (*REMOVED.values(), *PHRASES.values())}
    passed = 0
    for modifier in modifiers:
        kept = []
        for line in text.split("\n"):
            if modifier in REMOVED:
                name, is_removed = REMOVED[modifier]
                if is_removed(line):
                    counts[name] += 1
                else:
                    kept.append(line)
                continue
            name, phrase = PHRASES[modifier]
            new = phrase.sub("", line) if len(line.split()) <= 10 else line
            counts[name] += new != line
            if not line or new.strip():
                kept.append(new)
        text = "\n".join(kept)
        if modifier != "line_length":
            text = text.strip()
        if not text:
            break
        passed += 1
    return {
        "text": text,
        "words": len(fasttext_words(text)),
        "modifiers_passed": passed,
        **counts,
    }
