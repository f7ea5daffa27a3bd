"""datatrove's definitions in plain Python, and texts that meet their special cases often."""

import re
import unicodedata
from collections import Counter
from typing import Any

from hypothesis import strategies as st

from winnow.udfs.characters import _SENTENCE_ENDS as SENTENCE_ENDS
from winnow.udfs.characters import code_points
from winnow.udfs.english_tokens import tokens as chunk_tokens
from winnow.udfs.token_table import _NO_ENDERS as NO_ENDERS
from winnow.udfs.token_table import _SYMBOLS as SYMBOLS
from winnow.udfs.token_table import STOP_WORDS

ENDS = {chr(point) for point in code_points(SENTENCE_ENDS)}
NO_WORDS = ENDS | {chr(point) for point in code_points(SYMBOLS)}
ENDERS = ENDS - {chr(point) for point in code_points(NO_ENDERS)}

SPECIAL = [
    "\n", "\n\n", "\r\n", "\r", "\u2028", "\x85", "\x0b", "\x1c", "\0", "\t", " ", "  ", "\u3000",
    "\u00a0", "\u200b", "\ufeff", "\ufffd", ".", "..", "...", "…", "!", "?", "。", "#", "{", "-",
    "•", "the", "The", "and", "that", "the and", "can't", "cannot", "e.g.", "U.S.", ":-)", "x.",
    "(a)", "a b", "ab", "a b c d e f", "lorem ipsum", "Lorem Ipsum", "javascript", "JavaScript",
    "use cookies", "use coo\u212aies", "Terms Of Use", "[1]", "[]", "[٣]", "[edit]",
    "[citation needed]", "[x", '"', "İ", "٣", "²", "é", "e\u0301", "語", "🌾", "\U0010ffff",
    "x" * 30, "x" * 31, "y" * 1000, "y" * 1001, "a line that comes again.\n", "One more. ",
    "http://example.org/a-b", "10km", "½", "؟", "۔",
]  # fmt: skip
TEXTS = st.lists(
    st.sampled_from(SPECIAL) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=30,
).map("".join)


def tokens(text: str) -> list[str]:
    return [token for chunk in text.split() for token in chunk_tokens(chunk)]


def quality(text: str) -> dict[str, int]:
    found = tokens(text)
    words = [token for token in found if any(c not in NO_WORDS for c in token)]
    lines = text.splitlines()
    return {
        "tokens": len(found),
        "words": len(words),
        "word_chars": sum(map(len, words)),
        "alphabetic_tokens": sum(any(c.isalpha() for c in token) for token in found),
        "stop_words": len(set(STOP_WORDS) & set(found)),
        "hashes": text.count("#"),
        "ellipses": text.count("...") + text.count("…"),
        "lines": len(lines),
        "bullet_lines": sum(line.lstrip().startswith(("•", "-")) for line in lines),
        "ellipsis_lines": sum(line.rstrip().endswith(("...", "…")) for line in lines),
    }


def copies(items: list[str]) -> list[str]:
    seen: set[str] = set()
    return [item for item in items if item in seen or seen.add(item)]  # type: ignore[func-returns-value]


def top(words: list[str], n: int) -> int:
    grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    gram, count = Counter(grams).most_common(1)[0] if grams else ("", 0)
    return len(gram) * count


def duplicate(words: list[str], n: int) -> int:
    seen, chars, i = set(), 0, 0
    while i < len(words) - n + 1:
        gram = "".join(words[i : i + n])
        if gram in seen:
            chars += len(gram)
            i += n
        else:
            seen.add(gram)
            i += 1
    return chars


def repetition(text: str) -> dict[str, int]:
    found = tokens(text)
    paragraphs, runs = re.split("\n{2,}", text.strip()), re.split("\n+", text)
    return {
        "chars": len(text),
        "paragraphs": len(paragraphs),
        "duplicate_paragraphs": len(copies(paragraphs)),
        "duplicate_paragraph_chars": len("".join(copies(paragraphs))),
        "line_runs": len(runs),
        "duplicate_line_runs": len(copies(runs)),
        "duplicate_line_run_chars": len("".join(copies(runs))),
        **{f"top_{n}_gram_chars": top(found, n) for n in (2, 3, 4)},
        **{f"duplicate_{n}_gram_chars": duplicate(found, n) for n in range(5, 11)},
    }


def lines(text: str) -> dict[str, int]:
    found = [line for line in text.split("\n") if line.strip()]
    return {
        "chars": len(text),
        "tokens": len(tokens(text)),
        "newlines": text.count("\n"),
        "lines": len(found),
        "ended_lines": sum(line[-1] in ENDS for line in found),
        "short_lines": sum(len(line) <= 30 for line in found),
        "duplicate_line_chars": len("".join(copies(found))),
    }


def sentences(line: str) -> int:
    """spaCy's sentencizer on its tokens, white space among them."""
    found: list[str] = []
    for part in re.findall(r"\s+|\S+", line):
        if not part.isspace():
            found += chunk_tokens(part)
        elif rest := part[1:] if found and part[0] == " " else part:
            found.append(rest)
    count, is_ended = 1, False
    for token in found:
        if token in ENDERS:
            is_ended = True
        elif is_ended and not all(unicodedata.category(c)[0] == "P" for c in token):
            count, is_ended = count + 1, False
    return count


CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
POLICIES = (
    "terms of use", "privacy policy", "cookie policy",
    "uses cookies", "use of cookies", "use cookies",
)  # fmt: skip


def clean(text: str, filter_no_terminal_punct: bool) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    kept: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        words = line.split()
        line = CITATION.sub("", line)
        lower = line.lower()
        if any(len(word) > 1000 for word in words):
            counts["long_word_lines"] += 1
        elif filter_no_terminal_punct and (
            not line.endswith((".", "?", "!", '"', "'")) or line.endswith("...")
        ):
            counts["unended_lines"] += 1
        elif len(words) < 3:
            counts["few_words_lines"] += 1
        else:
            counts["lorem_ipsum_lines"] += "lorem ipsum" in lower
            if "javascript" in lower:
                counts["javascript_lines"] += 1
                continue
            counts["curly_bracket_lines"] += "{" in line
            if any(policy in lower for policy in POLICIES):
                counts["policy_lines"] += 1
            else:
                kept.append(line)
    return {
        "text": "\n".join(kept).strip(),
        "all_lines": len(text.splitlines()),
        "kept_lines": len(kept),
        "long_word_lines": counts["long_word_lines"],
        "unended_lines": counts["unended_lines"],
        "few_words_lines": counts["few_words_lines"],
        "javascript_lines": counts["javascript_lines"],
        "policy_lines": counts["policy_lines"],
        "lorem_ipsum_lines": counts["lorem_ipsum_lines"],
        "curly_bracket_lines": counts["curly_bracket_lines"],
        "sentences": sum(map(sentences, kept)),
    }
