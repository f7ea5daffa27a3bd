"""NeMo Curator's definitions in plain Python, and texts that meet their special cases often."""

import re
from collections import Counter

from hypothesis import strategies as st

from winnow.udfs.characters import code_points
from winnow.udfs.nemo_quality import (
    _OTHER_ALPHABETIC as OTHER_ALPHABETIC,
)
from winnow.udfs.nemo_quality import (
    ALPHANUMERIC,
    BRACKETS,
    BULLETS,
    ELLIPSES,
    LINE_ENDS,
    POLICIES,
    READ_MORE,
    URL,
    WHITE_SPACE,
)
from winnow.udfs.token_table import STOP_WORDS

ALPHABETIC = {chr(point) for point in code_points(OTHER_ALPHABETIC)}
ADDRESS = re.compile(rf"https?://(?:[{re.escape(URL)}]|%[0-9a-fA-F]{{2}})+")

SPECIAL = [
    "\n", "\n\n", "\n\n\n", "\r\n", "\u2028", "\x85", "\x1c", "\b", "\0", "\t", " ", "  ",
    "\u3000", "\u00a0", "\u200b", "\ufeff", "\ufffd", "?", "!", ",", ".", "'", '"', "7", "x", "語",
    "#", "##", "#a#", "#a#b#", "é", "e\u0301", "\u0345", "Ⅷ", "ⓐ", "²", "٣", "İ", "🌾",
    *ELLIPSES, *READ_MORE, "Read More", " Read MORE..", "[….]", *BULLETS[:3], *BRACKETS, "-", "*",
    "http", "https://", "http://a", "https://example.org/?q=%41%4", "http://é", "hhttp://b%zz",
    "http://http://c", "httpss://d", "%2F", "the", "The", "and", "with", "that.", "be\0",
    "lorem ipsum", "Lorem Ipsum", "use cookies", "USE COO\u212aIES", "use cook\nies",
    "Privacy & Cookies Policy", "terms of use", *(policy.decode() for policy in POLICIES[-3:]),
    "a line that comes again.\n", "a paragraph.\n\n", "the cat ", "bathe cats ", "x" * 1000,
]  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(SPECIAL) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=30,
).map("".join)
# Texts of few words and spaces, where n-grams come often and stand in longer words.
REPETITIVE = st.lists(
    st.sampled_from(["a", "b", "ab", "ba", "é", "longer word", "longer words"])
    | st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n"]),
    max_size=150,
).map("".join)


def lines_of(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


def is_alphabetic(character: str) -> bool:
    return character.isalpha() or character in ALPHABETIC


def is_symbol(word: str) -> bool:
    return word in ELLIPSES or len(re.findall("#+", word)) / len(word) > 0.5


def has_policy(paragraph: str) -> bool:
    return any(policy.decode() in paragraph.lower() for policy in POLICIES)


def count_in(text: str, characters: str) -> int:
    return sum(character in characters for character in text)


def quality(text: str) -> dict[str, int]:
    words, lines, paragraphs = text.split(), lines_of(text), text.split("\n\n")
    ellipses = (*ELLIPSES, *READ_MORE)
    return {
        "chars": len(text),
        "plain_chars": count_in(text, ALPHANUMERIC + "\n?!,."),
        "digits": count_in(text, "0123456789"),
        "url_chars": sum(map(len, ADDRESS.findall(text))),
        "white_space_chars": count_in(text, WHITE_SPACE),
        "brackets": count_in(text, BRACKETS),
        "paragraphs": len(paragraphs),
        "policy_paragraphs": sum(map(has_policy, paragraphs)),
        "lorem_ipsum_paragraphs": sum("lorem ipsum" in part.lower() for part in paragraphs),
        "words": len(words),
        "word_chars": sum(map(len, words)),
        "longest_word": max(map(len, words), default=0),
        "symbol_words": sum(map(is_symbol, words)),
        "alphabetic_words": sum(any(map(is_alphabetic, word)) for word in words),
        "stop_words": sum(word in STOP_WORDS for word in words),
        "lines": len(lines),
        "unended_lines": sum(not line.strip().endswith(tuple(LINE_ENDS)) for line in lines),
        "ellipsis_lines": sum(line.strip().lower().endswith(ellipses) for line in lines),
        "bullet_lines": sum(line.strip().startswith(tuple(BULLETS)) for line in lines),
    }


def top(text: str, n: int) -> int:
    words = text.split()
    grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    if not grams:
        return len(text)
    return len(text) - len(text.replace(Counter(grams).most_common(1)[0][0], ""))


def duplicate(text: str, n: int) -> int:
    words, seen = text.split(), set()
    if len(words) < n:
        return len(text)
    chars = overlap = 0
    for i in range(len(words) - n + 1):
        gram = tuple(words[i : i + n])
        if gram in seen:
            chars += sum(map(len, gram[overlap:])) + min(n - overlap, n - 1)
            overlap = n
        seen.add(gram)
        overlap = max(overlap - 1, 0)
    return chars


def repetition(text: str) -> dict[str, int]:
    lines, paragraphs = lines_of(text), text.split("\n\n")
    return {
        "distinct_lines": len(set(lines)),
        "line_chars": len("".join(lines)),
        "distinct_line_chars": len("".join(set(lines))),
        "distinct_paragraphs": len(set(paragraphs)),
        "paragraph_chars": len("".join(paragraphs)),
        "distinct_paragraph_chars": len("".join(set(paragraphs))),
        **{f"top_{n}_gram_chars": top(text, n) for n in (2, 3, 4)},
        **{f"duplicate_{n}_gram_chars": duplicate(text, n) for n in range(5, 11)},
    }
