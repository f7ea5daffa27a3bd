"""Personal data and secrets in a text: where they are, and the text without them.

Shapes with a checksum (cards, IBAN) or a registry (addresses) are checked against it; telephone
numbers have neither and are the weakest kind, see docs/personal_data.md. Every pattern is bounded
and begins at most once a token, so that a megabyte of anything takes a few seconds at worst.
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address, IPv6Address

import pyarrow as pa

from winnow.udfs.buffers import texts
from winnow.udfs.registry import column_function
from winnow.udfs.url_signals import suffix_labels

# In the order in which they claim characters: a later kind never overlaps an earlier one.
KINDS = ("secret_key", "email", "iban", "ip_address", "card", "us_ssn", "phone")
SPAN = pa.struct({"kind": pa.string(), "start": pa.int32(), "end": pa.int32()})

Place = tuple[int, int]

# Read backwards from the @, and forwards. A local part has at most 64 characters (RFC 5321), a
# label 63 (RFC 1035).
_LOCAL = re.compile("[A-Za-z0-9À-ɏ._%+'-]{1,65}+")
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}([A-Za-z]{2,24}|xn--[A-Za-z0-9-]{1,59})"
    r"(?![A-Za-z0-9_-])"
)

_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}+\d{1,3}+(?![\w]|[.-]\w)", re.ASCII)
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{1,4}:)[0-9A-Fa-f:]{3,39}+(?![\w:.]*[\w:])", re.ASCII)
_VERSION = re.compile(r"(?:version|release|build)s?[\"']? ?[:=]? ?[\"']?$|[<>=~]=$", re.IGNORECASE)
# Four small numbers are a section of a text or a version (206 times in 500 German laws); of all
# addresses they are one in 27,000.
_LEAST_OCTET = 20

# ISO/IEC 7812: the first digits that a scheme issues, and the lengths of its numbers. Groups of
# four are whole cards, one after the other, the last one with three digits more (its own or its
# code): a group beside them makes them another number.
_CARD = re.compile(
    r"(?<![\w.])(?:\d{12,19}+|(?<!\d-)\d{4}([ -])\d{6}\1\d{4,5}"
    r"|(?<!\d-)(?<!(?<!\d)\d{4} )\d{4}([ -])\d{4}\2\d{4}\2\d{4}"
    r"(?:[ -]\d{4}([ -])\d{4}\3\d{4}\3\d{4})*+(?:[ -]\d{3}(?!\w))?(?![ -]\d{4}(?!\d)))(?!\w|\.\d)",
    re.ASCII,
)
_ONE_CARD = re.compile(r"(\d{4}(?:[ -]\d{4}){3})([ -]\d{3}(?!\d))?|\d[\d -]*")
_SCHEMES = tuple(
    (re.compile(prefix), range(least, most + 1))
    for prefix, least, most in (
        ("4", 13, 19),  # Visa
        ("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", 16, 16),  # Mastercard
        ("3[47]", 15, 15),  # American Express
        ("6011|64[4-9]|65|62|81|60|508|353|356", 16, 19),  # Discover, UnionPay, RuPay
        ("30[0-5]|3095|36|38|39", 14, 19),  # Diners Club
        ("35[2-8]", 16, 19),  # JCB
        ("1800|2131", 15, 15),  # JCB
        ("50|5[6-9]|6", 12, 19),  # Maestro
    )
)

# SWIFT's IBAN registry: the length of a number by its country.
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]){11,30}+", re.ASCII)
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

_US_SSN = re.compile(
    r"(?<![\w.-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-]|\.\d)", re.ASCII
)

# Prefixes that their issuers document; each is looked for as it is before any pattern runs.
_SECRETS = {
    prefix: re.compile(pattern, re.ASCII)
    for prefix, pattern in {
        "AKIA": r"(?<!\w)AKIA[A-Z2-7]{16}(?!\w)",
        "ASIA": r"(?<!\w)ASIA[A-Z2-7]{16}(?!\w)",
        "ghp_": r"(?<!\w)ghp_\w{36,255}+",
        "gho_": r"(?<!\w)gho_\w{36,255}+",
        "ghu_": r"(?<!\w)ghu_\w{36,255}+",
        "ghs_": r"(?<!\w)ghs_\w{36,255}+",
        "ghr_": r"(?<!\w)ghr_\w{36,255}+",
        "github_pat_": r"(?<!\w)github_pat_\w{70,90}+",
        "glpat-": r"(?<!\w)glpat-[\w-]{20,64}+",
        "xox": r"(?<!\w)xox[abeoprs]-[0-9A-Za-z-]{20,250}+",
        "AIza": r"(?<!\w)AIza[\w-]{35}(?![\w-])",
        "_live_": r"(?<!\w)[rs]k_live_[0-9A-Za-z]{20,250}+",
        "sk-": r"(?<![\w-])sk-(?:ant-|proj-|svcacct-)?[\w-]{32,250}+",
        "hf_": r"(?<!\w)hf_[A-Za-z]{34}(?!\w)",
        "npm_": r"(?<!\w)npm_[0-9A-Za-z]{36}(?!\w)",
        "pypi-": r"(?<!\w)pypi-AgEI[\w-]{50,500}+",
        "SG.": r"(?<!\w)SG\.[\w-]{22}\.[\w-]{43}(?![\w-])",
        "eyJ": r"(?<![\w.-])eyJ[\w-]{10,1000}+\.eyJ[\w-]{10,4000}+\.[\w-]{20,1000}+",
        "PRIVATE KEY": r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[^-]|-(?!----)){0,16384}+(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?",
    }.items()
}

# A number that begins with + or a trunk 0, or has the shape of North America's, is a telephone
# number as it stands; any other needs a word beside it that says so.
_PHONE = re.compile(
    r"(?<![\w./=#$€£+-])(?:(?<!\d[ ,:])|(?=[+(]))(?:\+(?=[1-9])|00 ?)?"
    r"(?:\(0?\d{1,4}\) ?-?|\d{1,5}(?:[ .-]| ?/ ?|(?=\d|\()))(?:\(\d{1,4}\) ?)?\d{1,11}+"
    r"(?:(?:[ .-]| ?/ ?)\d{2,8}){0,4}+(?:(?: ?x| ext\.? ?)\d{1,6})?"
    r"(?![\w/:]|[.,-]\d| \d)",
    re.ASCII,
)
_NANP = re.compile(r"(?:(?:\+|00)?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}")
# Several of North America's, with a blank between them that might also be in the middle of one:
# blanks alone may divide the columns of a table.
_MARKED = r"(?:(?:\+|00)?1[ .-]?)?(?:\([2-9]\d\d\) ?\d{3}[ .-]|[2-9]\d\d[.-]\d{3}[.-])\d{4}"
_NANPS = re.compile(
    rf"(?<![\w./=#$€£+-])(?<!\d[ ,:]){_MARKED}(?: {_MARKED})++(?![\w/:]|[.,-]\d| \d)", re.ASCII
)
_TRUNK = re.compile(
    r"0[1-9]\d{0,4}([ -])\d{2,8}(?:\1\d{2,4}){0,4}|\(0\d{1,4}\).*"
    r"|0[1-9]\d{1,4} ?/ ?\d{3,8}(?:[ -]\d{2,4}){0,4}"
)
_DATE = re.compile(
    r"(?:1\d|20)\d\d([-./ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?: \d+)?"
    r"|(?:0?[1-9]|[12]\d|3[01])([-./ ])(?:0?[1-9]|[12]\d|3[01])\2(?:1\d|20)?\d\d"
)
_YEARS = re.compile(r"(?:1[5-9]|20)\d\d[ -](?:1[5-9]|20)\d\d")
_CUE_BEFORE = re.compile(
    r"(?:(?:phone|\btele?fon[eo]?|\btel|\bcell|mobile?|\bfax|\bcall|\bcalling|\bdial|whats ?app"
    r"|\bsms|\btext me|\bhandy|m[óo]vil|portable|\bmessages|\banswering"
    r"|电话|電話|手机|тел|전화)[^\d\n]{0,20}|\b(?:desk|office|contact)[:# -]{0,4})\n?[ (]*$",
    re.IGNORECASE,
)
_CUE_AFTER = re.compile(r"[ -]{0,3}\(?(?:office|fax|mobile|cell|phone|tel|home|work)\b", re.I)


@column_function(
    returns="ARRAY<STRUCT<kind STRING, start INT, end INT>>", version=3, libraries=("tld",)
)
def personal_data(text: pa.Array) -> pa.Array:
    """Find e-mail addresses, IP addresses, numbers of telephones, cards and accounts, secret keys.

    Shape: STRING -> ARRAY<STRUCT<kind STRING, start INT, end INT>>, in order of start and without
        overlap; null gives null, a text without any an empty array.
    Units: `start` and `end` are code points, from 0, `end` exclusive: substr(text, start + 1,
        end - start) is the span. `kind` is one of KINDS. email: with a top-level domain that
        exists. ip_address: version 4 or 6 and public; four numbers
        under 20 are taken for a version or a section. card: issued prefix and
        length, Luhn's digit right. iban: length of its country, mod 97 right. us_ssn: 3-2-4 digits
        in an area that is issued. phone: 7 to 15 digits that begin like a telephone number or
        stand beside a word that says so. secret_key: a key whose issuer marks it, or a PEM block
        of a private key.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: e-mail and IP after datatrove a649de7 PIIFormatter; ISO/IEC 7812, ISO 13616, the Social
        Security Administration's ranges, the issuers' documentation. Differs from datatrove: word
        boundaries around IP addresses, top-level domains are looked up. Precision and recall in
        docs/personal_data.md.
    """
    return pa.array(
        [
            None
            if row is None
            else [{"kind": kind, "start": start, "end": end} for start, end, kind in _spans(row)]
            for row in texts(text)
        ],
        pa.list_(SPAN),
    )


@column_function(returns="STRING", version=1)
def redact(text: pa.Array, spans: pa.Array, placeholder: str = "<{kind}>") -> pa.Array:
    """Return texts with each span replaced by its kind: `write to <EMAIL>`.

    Shape: STRING, ARRAY<STRUCT<kind STRING, start INT, end INT>> -> STRING; a null text gives
        null, null spans leave the text as it is.
    Units: spans as `personal_data` gives them, in code points. `placeholder` has {kind} where the
        kind goes, in capitals.
    Errors: TypeError if the text is not STRING. A span that begins before the one before it ended,
        or beyond the text, is cut to what is left; one with a null in it is left out.
    Source: ours; the form is Presidio's. datatrove replaces by addresses that look real, in a
        rotation that depends on the documents before.
    """
    rows: list[str | None] = []
    for row, found in zip(texts(text), spans, strict=True):
        if row is None or not found.is_valid:
            rows.append(row)
            continue
        pieces, done = [], 0
        places = [span for span in found.as_py() if span and None not in span.values()]
        for span in sorted(places, key=lambda each: each["start"]):
            start, end = max(span["start"], done), min(span["end"], len(row))
            if start < end:
                kind = placeholder.replace("{kind}", span["kind"].upper())
                pieces += [row[done:start], kind]
                done = end
        rows.append("".join(pieces) + row[done:])
    return pa.array(rows, pa.string())


def _spans(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, kind) in order of start; an earlier kind of KINDS wins an overlap."""
    found: list[tuple[int, int, str]] = []
    has_digit = any(map(text.__contains__, "0123456789"))
    for kind in KINDS:
        if kind not in ("secret_key", "email") and not has_digit:
            break
        free = _Free(found)
        found += [(start, end, kind) for start, end in _FINDERS[kind](text) if free(start, end)]
        found.sort()
    return found


class _Free:
    """Whether a place is not yet taken; asked in order of start."""

    def __init__(self, taken: list[tuple[int, int, str]]) -> None:
        self._taken = list(reversed(taken))

    def __call__(self, start: int, end: int) -> bool:
        while self._taken and self._taken[-1][1] <= start:
            self._taken.pop()
        return not self._taken or end <= self._taken[-1][0]


def _secret_keys(text: str) -> Iterator[Place]:
    found = sorted(
        match.span()
        for prefix, pattern in _SECRETS.items()
        if prefix in text
        for match in pattern.finditer(text)
    )
    done = 0
    for start, end in found:
        if start >= done:
            yield start, end
            done = end


def _emails(text: str) -> Iterator[Place]:
    done, at = 0, text.find("@")
    while at >= 0:
        before = _LOCAL.match(text[max(done, at - 65) : at][::-1])
        after = _DOMAIN.match(text, at + 1)
        done = at + 1
        if before and after and suffix_labels(after[1].lower()):
            local = before[0][::-1].lstrip("'+%-.")
            if 1 <= len(local) <= 64 and local[-1] != "." and ".." not in local:
                done = after.end()
                yield at - len(local), done
        at = text.find("@", done)


def _ip_addresses(text: str) -> Iterator[Place]:
    places = []
    if text.count(".") >= 3:
        places += [match.span() for match in _IPV4.finditer(text) if _is_public_4(match)]
    if text.count(":") >= 2:
        places += [match.span() for match in _IPV6.finditer(text) if _is_public_6(match[0])]
    yield from sorted(places)


def _is_public_4(match: re.Match[str]) -> bool:
    try:
        address = IPv4Address(match[0])
    except AddressValueError:
        return False
    if not address.is_global or address.is_multicast or max(address.packed) < _LEAST_OCTET:
        return False
    return not _VERSION.search(match.string, max(0, match.start() - 14), match.start())


def _is_public_6(address: str) -> bool:
    # `a::b` and `dead::beef` are names in C++ more often than addresses: what is abbreviated must
    # be in the range that is in use, and have three groups at least.
    if "::" in address:
        groups = [group for group in address.split(":") if group]
        if len(groups) < 3 or not re.match("[23][0-9A-Fa-f]{3}:", address):
            return False
    try:
        return IPv6Address(address).is_global
    except AddressValueError:
        return False


def _cards(text: str) -> Iterator[Place]:
    for match in _CARD.finditer(text):
        for number in _ONE_CARD.finditer(text, *match.span()):
            # Behind a card's sixteen digits stand three that belong to it, or its security code.
            for end in (number.end(), number.end(1)):
                if end > 0 and _is_card(re.sub("[ -]", "", text[number.start() : end])):
                    yield number.start(), end
                    break


def _is_card(digits: str) -> bool:
    issued = any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _SCHEMES)
    return issued and luhn(digits)


def luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of those before it (ISO/IEC 7812-1)."""
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(n - 9 * (n > 9) for n in doubled)) % 10 == 0


def _ibans(text: str) -> Iterator[Place]:
    at = 0
    while match := _IBAN.search(text, at):
        at = match.start() + 4  # what follows a number may be the next one
        length = _IBAN_LENGTHS.get(match[0][:2].upper(), 99)
        end, number = match.start(), ""
        while len(number) < length and end < match.end():
            number += text[end].strip()
            end += 1
        follows = text[end : end + 1]
        if len(number) == length and mod_97(number) and not (follows.isalnum()):
            at = end
            yield match.start(), end


def mod_97(number: str) -> bool:
    """Return whether the check digits of an IBAN are right (ISO 13616, ISO/IEC 7064)."""
    turned = (number[4:] + number[:4]).upper()
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _us_ssns(text: str) -> Iterator[Place]:
    return (match.span() for match in _US_SSN.finditer(text))


def _phones(text: str) -> Iterator[Place]:
    several = [
        number.span()
        for numbers in _NANPS.finditer(text)
        for number in _NANP.finditer(text, *numbers.span())
    ]
    free = _Free([(start, end, "phone") for start, end in several])
    yield from sorted([*several, *(place for place in _single_phones(text) if free(*place))])


def _single_phones(text: str) -> Iterator[Place]:
    for match in _PHONE.finditer(text):
        shape = match[0]
        number = re.split(r" ?x| ext", shape)[0]
        digits = sum(map(str.isdigit, number))
        if not 7 <= digits <= 15 or _DATE.fullmatch(number) or _YEARS.fullmatch(number):
            continue
        if (
            (number[0] == "+" and digits >= 8)
            or (_NANP.fullmatch(number))
            or (digits >= 9 and _TRUNK.fullmatch(number))
            or _CUE_BEFORE.search(text, max(0, match.start() - 40), match.start())
            or _CUE_AFTER.match(text, match.end())
        ):
            yield match.span()


_FINDERS = {
    "secret_key": _secret_keys,
    "email": _emails,
    "iban": _ibans,
    "ip_address": _ip_addresses,
    "card": _cards,
    "us_ssn": _us_ssns,
    "phone": _phones,
}
