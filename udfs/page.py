"""What a web page says about itself: its charset, and what its head and headers declare.

Called by `extract_text`; nothing here is a column function.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5
from resiliparse.parse.html import HTMLTree

REPLACEMENT = "\ufffd"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w:.+-]+)", re.IGNORECASE)
_CREATIVE_COMMONS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(?:licenses|publicdomain)/", re.IGNORECASE
)
# RFC 3986 allows more in an address than we want to see in a table.
_LONGEST_ADDRESS = 2_000
_LONGEST_TITLE = 1_000

# All that is looked at, in one walk over the page: each takes a seventh of the time that finding
# its text does, and building an element for each meta and link would take longer still.
_DECLARATIONS = (
    "meta[name=robots i], meta[name=tdm-reservation i], meta[name=tdm-policy i], "
    "meta[http-equiv=content-language i], "
    "link[rel~=canonical], [rel~=license], a[href*=creativecommons]"
)

# Values of X-Robots-Tag and of the robots meta element that take something back.
_TOKEN = re.compile(r"[a-z-]+")


def decode_page(content: bytes, content_type: str) -> tuple[str, str, int]:
    """Return a page as text, the charset it was read in, and how many pieces had to be replaced.

    The charset is that of a byte order mark, else of the header, else of the page's meta element,
    else detected. One that cannot be the page's own is passed over, and detection has the last
    word. Labels mean what the WHATWG Encoding Standard says (`latin-1` is windows-1252).

    Args:
        content: the page.
        content_type: the value of the HTTP header, or "".
    """
    for mark, charset in _MARKS:
        if content.startswith(mark):
            text = content[len(mark) :].decode(charset, "replace")
            return text, charset, text.count(REPLACEMENT)
    known = []
    for label in _labels(content, content_type):
        try:
            known.append(codecs.lookup(map_encoding_to_html5(label) or label).name)
            return content.decode(known[-1]), known[-1], 0
        except (LookupError, ValueError):  # no such charset, or not that of these bytes
            continue
    charset = known[0] if known else "utf-8"
    text = content.decode(charset, "replace")
    return text, charset, text.count(REPLACEMENT)


def _labels(content: bytes, content_type: str) -> Iterator[str]:
    named = _CHARSET.search(content_type)
    if named:
        yield named[1]
    yield detect_encoding(content, from_html_meta=True) or ""
    yield detect_encoding(content) or ""


@dataclass(frozen=True)
class PageFacts:
    """What a page declares; see `extract_text` for the meaning of each field."""

    title: str | None
    language: str | None
    canonical_url: str | None
    licence_url: str | None
    robots: str | None
    is_index_refused: bool
    is_ai_refused: bool
    is_image_ai_refused: bool
    is_tdm_reserved: bool
    tdm_policy: str | None


def page_facts(tree: HTMLTree, url: str, headers: Mapping[str, str]) -> PageFacts:
    """Return what a page and its headers declare.

    Args:
        tree: the parsed page.
        url: where it was found, for relative addresses; "" if that is not known.
        headers: of HTTP, names in lower case.
    """
    declared = _declarations(tree)
    metas = declared.metas
    robots = _tokens([headers.get("x-robots-tag", ""), *metas.get("robots", ())])
    reserved = [headers.get("tdm-reservation", ""), *metas.get("tdm-reservation", ())]
    policies = [headers.get("tdm-policy", ""), *metas.get("tdm-policy", ())]
    return PageFacts(
        title=_clean(tree.title or "", _LONGEST_TITLE),
        language=_language(tree, metas, headers),
        canonical_url=_first_address(declared.canonical, url),
        licence_url=_licence(declared, url),
        robots=", ".join(robots) or None,
        is_index_refused=not {"noindex", "none"}.isdisjoint(robots),
        is_ai_refused="noai" in robots,
        is_image_ai_refused=not {"noai", "noimageai"}.isdisjoint(robots),
        is_tdm_reserved=any(value.strip() == "1" for value in reserved),
        tdm_policy=next((_address(each, url) for each in policies if each.strip()), None),
    )


@dataclass(frozen=True)
class _Declarations:
    """Contents of meta elements by name or http-equiv in lower case, and targets of links."""

    metas: dict[str, list[str]]
    canonical: list[str]
    licences: list[str]
    creative_commons: list[str]


def _declarations(tree: HTMLTree) -> _Declarations:
    found = _Declarations({}, [], [], [])
    root = tree.document
    for element in root.query_selector_all(_DECLARATIONS) if root is not None else ():
        if element.tag == "meta":
            name = (element.getattr("name") or element.getattr("http-equiv") or "").strip().lower()
            if name:
                found.metas.setdefault(name, []).append(element.getattr("content") or "")
            continue
        target = element.getattr("href") or ""
        relations = (element.getattr("rel") or "").lower().split()
        if element.tag == "link" and "canonical" in relations:
            found.canonical.append(target)
        if "license" in relations:
            found.licences.append(target)
        if element.tag == "a" and _CREATIVE_COMMONS.match(target):
            found.creative_commons.append(target)
    return found


def _tokens(values: Iterable[str]) -> list[str]:
    """Return directives in lower case, sorted, each once; `otherbot: noindex` binds that bot only.

    A value without a name before its colon binds everyone, as do those after it up to the next
    name; `unavailable_after: <date>` and the like are directives with a value, not names.
    """
    found = set()
    for value in values:
        everyone = True
        for part in value.lower().split(","):
            name, colon, rest = part.partition(":")
            if colon and _TOKEN.fullmatch(rest.strip()) and not name.strip().startswith("max-"):
                everyone, part = name.strip() in ("*", ""), rest
            token = part.strip()
            if everyone and _TOKEN.fullmatch(token):
                found.add(token)
    return sorted(found)


def _language(
    tree: HTMLTree, metas: Mapping[str, list[str]], headers: Mapping[str, str]
) -> str | None:
    root = tree.document
    html = root.query_selector("html") if root is not None else None
    declared = [html.getattr("lang") or html.getattr("xml:lang") or ""] if html is not None else []
    declared += [*metas.get("content-language", ()), headers.get("content-language", "")]
    names = (_clean(each.partition(",")[0], 35) for each in declared)  # RFC 5646, section 4.4.1
    return next((name for name in names if name), None)


def _licence(declared: _Declarations, url: str) -> str | None:
    """Return what `rel=license` names, else the first link to a Creative Commons licence."""
    return _first_address(declared.licences, url) or _first_address(declared.creative_commons, url)


def _first_address(targets: Iterable[str], url: str) -> str | None:
    return next(filter(None, (_address(target, url) for target in targets)), None)


def _address(value: str, url: str) -> str | None:
    try:
        return _clean(urljoin(url, value.strip()), _LONGEST_ADDRESS) if value.strip() else None
    except ValueError:  # urllib's answer to a malformed host
        return None


def _clean(value: str, longest: int) -> str | None:
    """Return a value in one line, cut; None for an empty one."""
    return " ".join(value.split())[:longest] or None
