"""What NeMo Curator's English quality filters are made of: characters, words, lines, phrases."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.characters import LETTER, SPACE, character_classes, code_points
from winnow.udfs.decoding import decode
from winnow.udfs.kernels import kernel
from winnow.udfs.phrases import beginnings, is_phrase, packed, phrases_at
from winnow.udfs.registry import column_function
from winnow.udfs.seen import is_one_of, key_of, short_keys
from winnow.udfs.token_table import STOP_WORDS

SIGNALS = (
    "chars",
    "plain_chars",
    "digits",
    "url_chars",
    "white_space_chars",
    "brackets",
    "paragraphs",
    "policy_paragraphs",
    "lorem_ipsum_paragraphs",
    "words",
    "word_chars",
    "longest_word",
    "symbol_words",
    "alphabetic_words",
    "stop_words",
    "lines",
    "unended_lines",
    "ellipsis_lines",
    "bullet_lines",
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

# All lists are those of NeMo Curator 1e2e427, nemo_curator/stages/text/utils/constants.py.
LOREM_IPSUM = b"lorem ipsum"
# Two of its cookie notices have "uses cookies" in them and need no place of their own.
POLICIES = (
    b"terms of use",
    b"privacy policy",
    b"cookie policy",
    b"uses cookies",
    b"privacy overview",
    b"use of cookies",
    b"use cookies",
    b"privacy & cookies policy",
    b"privacy and cookies policy",
    b"necessary cookies are absolutely essential for the website to function properly. this "
    b"category only includes cookies that ensures basic functionalities and security features of "
    b"the website. these cookies do not store any personal information.",
    b"any cookies that may not be particularly necessary for the website to function and is used "
    b"specifically to collect user personal data via analytics, ads, other embedded contents are "
    b"termed as non-necessary cookies. it is mandatory to procure user consent prior to running "
    b"these cookies on your website.",
    b"if you continue to browse this site without changing your cookie settings, you agree to this "
    b"use. acceptread more",
)
ELLIPSES = ("...", "[...]", "…", "(...)", "[…]", "-»")
READ_MORE = ("read more..", "read more")  # end a line like an ellipsis; no word has a space in it
BULLETS = "•‣⁃⁌⁍∙○●◘◦⦾⦿"
BRACKETS = "{}⟨⟩[]()"
WHITE_SPACE = "\t\n\r\b "
LINE_ENDS = ".?!\"'"
ALPHANUMERIC = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
URL = ALPHANUMERIC + "$-_@.&+/:=?#~!*(),"

# Property Alphabetic of Unicode 17, which the POSIX class alpha is, as in regex 2026.11.15:
# letters as Python 3.11 knows them, and these.
_OTHER_ALPHABETIC = """
    345 363-36F 558 58B-58C 5B0-5BD 5BF 5C1-5C2 5C4-5C5 5C7-5C9 610-61A 64B-657 659-65F 670
    6D6-6DC 6E1-6E4 6E7-6E8 6ED 711 730-73F 7A6-7B0 816-817 81B-823 825-827 829-82C 88F 897
    8D4-8DF 8E3-8E9 8F0-903 93A-93B 93E-94C 94E-94F 955-957 962-963 981-983 9BE-9C4 9C7-9C8
    9CB-9CC 9D7 9E2-9E3 A01-A03 A3E-A42 A47-A48 A4B-A4C A51 A70-A71 A75 A81-A83 ABE-AC5 AC7-AC9
    ACB-ACC AE2-AE3 AFA-AFC B01-B03 B3E-B44 B47-B48 B4B-B4C B56-B57 B62-B63 B82 BBE-BC2 BC6-BC8
    BCA-BCC BD7 C00-C04 C3E-C44 C46-C48 C4A-C4C C55-C56 C5C C62-C63 C81-C83 CBE-CC4 CC6-CC8
    CCA-CCC CD5-CD6 CDC CE2-CE3 CF3 D00-D03 D3E-D44 D46-D48 D4A-D4C D57 D62-D63 D81-D83 DCF-DD4
    DD6 DD8-DDF DF2-DF3 E31 E34-E3A E4D EB1 EB4-EB9 EBB-EBC ECD F71-F83 F8D-F97 F99-FBC
    102B-1036 1038 103B-103E 1056-1059 105E-1060 1062-1064 1067-106D 1071-1074 1082-108D 108F
    109A-109D 16EE-16F0 1712-1713 1732-1733 1752-1753 1772-1773 17B6-17C8 1885-1886 18A9
    1920-192B 1930-1938 1A17-1A1B 1A55-1A5E 1A61-1A74 1ABF-1AC0 1ACC-1ACE 1B00-1B04 1B35-1B43
    1B80-1B82 1BA1-1BA9 1BAC-1BAD 1BE7-1BF1 1C24-1C36 1C89-1C8A 1DD3-1DF4 208F 209D-209F
    2160-2182 2185-2188 24B6-24E9 2DE0-2DFF 3007 3021-3029 3038-303A A674-A67B A69E-A69F
    A6E6-A6EF A7CB-A7CF A7D2 A7D4 A7DA-A7DD A7E2 A7F1 A802 A80B A823-A827 A880-A881 A8B4-A8C3
    A8C5 A8FF A926-A92A A947-A952 A980-A983 A9B4-A9BF A9E5 AA29-AA36 AA43 AA4C-AA4D AA7B-AA7D
    AAB0 AAB2-AAB4 AAB7-AAB8 AABE AAEB-AAEF AAF5 AB6C-AB6D ABE3-ABEA FB1E 10140-10174 10341
    1034A 10376-1037A 103D1-103D5 105C0-105F3 107BB-107BF 10940-10959 10A01-10A03 10A05-10A06
    10A0C-10A0F 10D24-10D27 10D4A-10D65 10D69 10D6F-10D85 10EAB-10EAC 10EC2-10EC7 10ECB-10ECD
    10ED9-10EEE 10EF3 10EF5 10EF7-10EF8 10EFA-10EFC 11000-11002 11038-11045 11073-11074
    11080-11082 110B0-110B8 110C2 11100-11102 11127-11132 11145-11146 11180-11182 111B3-111BF
    111CE-111CF 1122C-11234 11237 1123E-11241 112DF-112E8 11300-11303 1133E-11344 11347-11348
    1134B-1134C 11357 11362-11363 11380-11389 1138B 1138E 11390-113B5 113B7-113C0 113C2 113C5
    113C7-113CA 113CC-113CD 113D1 113D3 11435-11441 11443-11445 114B0-114C1 115AF-115B5
    115B8-115BE 115DC-115DD 11630-1163E 11640 116AB-116B5 1171D-1172A 1182C-11838 11930-11935
    11937-11938 1193B-1193C 11940 11942 119D1-119D7 119DA-119DF 119E4 11A01-11A0A 11A35-11A39
    11A3B-11A3E 11A51-11A5B 11A8A-11A97 11B0A 11B60-11B67 11BC0-11BE0 11C2F-11C36 11C38-11C3E
    11C92-11CA7 11CA9-11CB6 11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D41 11D43 11D47 11D8A-11D8E
    11D90-11D91 11D93-11D96 11DB0-11DDB 11DF0-11DF1 11EF3-11EF6 11F00-11F10 11F12-11F3A
    11F3E-11F40 12400-1246F 12475-1247F 12550-12686 1342F 13441-13446 13460-143FA 16100-1612E
    16D40-16D6C 16EA0-16EB8 16EBB-16ED3 16F4F 16F51-16F87 16F8F-16F92 16FF0-16FF6 187F8-187FF
    18CD6-18CDA 18CFF 18D09-18D20 18D80-18DF2 18E00-19191 191A0-191D2 1B123-1B128 1B132 1B155
    1B168 1BC9E 1D6A6 1DF1F-1DF81 1DF90-1DF96 1DFCD-1E006 1E008-1E018 1E01B-1E021 1E023-1E024
    1E026-1E02A 1E030-1E06D 1E08F 1E4D0-1E4EB 1E5D0-1E5ED 1E5F0 1E6C0-1E6DE 1E6E0-1E6F5
    1E6FE-1E6FF 1E947 1F130-1F149 1F150-1F169 1F170-1F189 2B739-2B73F 2B81E 2CEA2-2CEAD
    2EBF0-2EE5D 31350-33479 3D000-3FC3F
"""

# Of a character, as bits. One that is marked is looked at closer.
_PLAIN, _DIGIT, _WHITE, _BRACKET, _SPACE, _ALPHABETIC, _BULLET, _MARKED = (
    1 << bit for bit in range(8)
)
_WANTED = (LOREM_IPSUM, *POLICIES)
_PHRASES, _PHRASE_AT = packed(_WANTED)
_BEGIN = beginnings(_WANTED)
_ENDINGS, _ENDING_AT = packed(tuple(mark.encode() for mark in (*ELLIPSES, *READ_MORE)))
_IS_LINE_END, _IS_URL, _IS_HEXADECIMAL = np.zeros((3, 256), np.bool_)
_IS_LINE_END[[*LINE_ENDS.encode()]] = True
_IS_URL[[*URL.encode()]] = True
_IS_HEXADECIMAL[[*b"0123456789abcdefABCDEF"]] = True
_NEWLINE, _HASH, _PERCENT, _H, _T, _P, _S, _COLON, _SLASH = map(ord, "\n#%htps:/")

_STOP_KEYS = short_keys(STOP_WORDS)

_SIZE = types.int64(BYTES, types.int64, types.int64)
_TEST = types.boolean(BYTES, types.int64, types.int64)


def _classes() -> NDArray[np.uint8]:
    """Return uint8[0x110000]: what every character counts as."""
    known = character_classes()
    classes = np.where(known & SPACE, _SPACE, 0).astype(np.uint8)
    classes[known & LETTER != 0] |= _ALPHABETIC
    classes[code_points(_OTHER_ALPHABETIC)] |= _ALPHABETIC
    for bit, characters in (
        (_PLAIN, ALPHANUMERIC + "\n?!,."),
        (_DIGIT, "0123456789"),
        (_WHITE, WHITE_SPACE),
        (_BRACKET, BRACKETS),
        (_BULLET, BULLETS),
        (_MARKED, "#h" + "".join(map(chr, np.flatnonzero(_BEGIN[0])))),
    ):
        classes[[ord(character) for character in characters]] |= bit
    classes.flags.writeable = False
    return classes


_CLASSES = _classes()


@kernel(_SIZE, inlined=True)
def _url_size(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return the bytes of the address that begins at this h, 0 where none does."""
    if at + 7 >= end or data[at + 1] != _T or data[at + 2] != _T or data[at + 3] != _P:
        return 0
    after = at + 4 + (data[at + 4] == _S)
    if data[after] != _COLON or data[after + 1] != _SLASH or data[after + 2] != _SLASH:
        return 0
    begin = after = after + 3
    while after < end:
        if _IS_URL[data[after]]:
            after += 1
        elif (
            data[after] == _PERCENT
            and after + 2 < end
            and _IS_HEXADECIMAL[data[after + 1]]
            and _IS_HEXADECIMAL[data[after + 2]]
        ):
            after += 3
        else:
            break
    return after - at if after > begin else 0


@kernel(_TEST, inlined=True)
def _ends_with_ellipsis(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell whether the line ends with one of ELLIPSES or READ_MORE in any case."""
    for mark in range(_ENDING_AT.size - 1):
        begin = end - (_ENDING_AT[mark + 1] - _ENDING_AT[mark])
        if begin >= start and is_phrase(data, begin, end, _ENDINGS, _ENDING_AT, mark):
            return True
    return False


@kernel(_TEST, inlined=True)
def _is_ellipsis(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell whether the word is one of ELLIPSES."""
    for mark in range(len(ELLIPSES)):
        size = _ENDING_AT[mark + 1] - _ENDING_AT[mark]
        if size == end - start and is_phrase(data, start, end, _ENDINGS, _ENDING_AT, mark):
            return True
    return False


@kernel(types.Array(types.int32, 2, "C")(BYTES, OFFSETS, BYTES))
def _count(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], classes: NDArray[np.uint8]
) -> NDArray[np.int32]:
    counts = np.zeros((len(SIGNALS), offsets.size - 1), np.int32)
    tally = np.zeros(256, np.int64)  # characters of the row by their class bits
    for row in range(offsets.size - 1):
        tally[:] = 0
        chars = url_chars = policies = lorem_ipsums = 0
        words = word_chars = longest = symbol_words = alphabetic = stop_words = 0
        lines = unended = ellipses = bullets = 0

        paragraphs, is_half_break = 1, False  # after a "\n" that a second one makes a break of
        has_policy = has_lorem_ipsum = False
        url_end = 0
        # The current word: its first byte (-1 outside of one), characters before it, classes.
        word_start, word_before, word_kinds, hash_runs = -1, 0, 0, 0
        # The current line: its first visible byte (-1 before it) and the one after the last.
        line_start, line_end, is_bullet = -1, 0, False

        at, end = offsets[row], offsets[row + 1]
        while at <= end:
            if at == end:  # the end of the text ends its last word and its last line
                point, size, kind = _NEWLINE, 1, _SPACE
            else:
                point, size = int(data[at]), 1
                if point >= 0x80:
                    point, size = decode(data, at, end)
                kind = int(classes[point])
                tally[kind] += 1

            if not kind & _SPACE:
                is_half_break = False
                if word_start < 0:
                    word_start, word_before, word_kinds, hash_runs = at, chars, 0, 0
                    if line_start < 0:
                        line_start, is_bullet = at, kind & _BULLET != 0
                word_kinds |= kind
                if kind & _MARKED:
                    if point == _HASH:
                        hash_runs += at == word_start or data[at - 1] != _HASH
                    elif point == _H:
                        if at >= url_end:
                            url_size = _url_size(data, at, end)
                            if url_size:
                                url_chars += url_size
                                url_end = at + url_size
                    elif at + 1 < end and _BEGIN[0, point] & _BEGIN[1, data[at + 1]]:
                        found = phrases_at(data, at, end, _PHRASES, _PHRASE_AT, _BEGIN)
                        has_lorem_ipsum = has_lorem_ipsum or found & 1 != 0
                        has_policy = has_policy or found > 1
            else:
                if word_start >= 0:
                    words += 1
                    word_chars += chars - word_before
                    longest = max(longest, chars - word_before)
                    symbol_words += 2 * hash_runs > chars - word_before or _is_ellipsis(
                        data, word_start, at
                    )
                    alphabetic += word_kinds & _ALPHABETIC != 0
                    stop_words += is_one_of(key_of(data, word_start, at), _STOP_KEYS)
                    word_start, line_end = -1, at
                if point == _NEWLINE:
                    if line_start >= 0:
                        lines += 1
                        unended += not _IS_LINE_END[data[line_end - 1]]
                        ellipses += _ends_with_ellipsis(data, line_start, line_end)
                        bullets += is_bullet
                        line_start = -1
                    if at == end or is_half_break:
                        paragraphs += at < end
                        policies += has_policy
                        lorem_ipsums += has_lorem_ipsum
                        has_policy = has_lorem_ipsum = False
                        is_half_break = False
                    else:
                        is_half_break = True
                else:
                    is_half_break = False
            chars += 1
            at += size

        plain = digits = white = brackets = 0
        for kind in range(tally.size):
            plain += tally[kind] if kind & _PLAIN else 0
            digits += tally[kind] if kind & _DIGIT else 0
            white += tally[kind] if kind & _WHITE else 0
            brackets += tally[kind] if kind & _BRACKET else 0
        chars -= 1  # the end of the text
        counts[:, row] = (
            chars, plain, digits, url_chars, white, brackets,
            paragraphs, policies, lorem_ipsums,
            words, word_chars, longest, symbol_words, alphabetic, stop_words,
            lines, unended, ellipses, bullets,
        )  # fmt: skip
    return counts


@column_function(returns=DDL, version=1, measures=True)
def nemo_quality(text: pa.Array) -> pa.Array:
    r"""Count what NeMo Curator's English filters ask of characters, words, lines and phrases.

    Shape: STRING -> STRUCT<chars INT, plain_chars INT, ..., bullet_lines INT>, the fields of
        SIGNALS in order; null gives null. An empty text has one paragraph, and zeros elsewhere.
    Units: all are counts.
        chars: code points. plain_chars are ASCII letters and digits, "\n" and ? ! , . (no space);
            digits 0 to 9; white_space_chars TAB, LF, CR, BACKSPACE and space; brackets those of
            BRACKETS. url_chars: in addresses, "http://" or "https://" and what follows of URL and
            of "%" with two hexadecimal digits.
        paragraphs: what stands between two "\n\n", empty ones too. policy_paragraphs have one of
            POLICIES in them, lorem_ipsum_paragraphs "lorem ipsum", in any case.
        words stand between white space; word_chars are the code points in them, longest_word
            those of the longest. symbol_words are one of ELLIPSES, or have more runs of "#" than
            half their code points: "#" and "#a#" are, "##" is not. alphabetic_words have a
            character with the Unicode property Alphabetic. stop_words: how many words are one of
            STOP_WORDS; not "The".
        lines: what stands between two "\n"; one of white space alone is no line. Their ends
            without white space count: unended_lines do not end with . ? ! " ', ellipsis_lines end
            with one of ELLIPSES or READ_MORE in any case, bullet_lines begin with one of BULLETS.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: NeMo Curator 1e2e427, nemo_curator/stages/text/filters/heuristic/string.py, after
        Gopher (Rae et al. 2021, arXiv:2112.11446, appendix A.1) and C4 (Raffel et al. 2019,
        arXiv:1910.10683, section 2.2). Differs: upstream counts no further than two stop words.
    """
    counts = _count(*utf8(text), _CLASSES)
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
