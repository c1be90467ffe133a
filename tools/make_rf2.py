"""Makes a release in the layout of SNOMED CT's RF2 snapshot, of any size; none of it is SNOMED CT.

    python -m tools.make_rf2 FOLDER --concepts 350000

The same seed makes the same files. Concepts have one to four parents, ten levels and more; three to
four descriptions; two relationships with groups; some are in reference sets.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable
from pathlib import Path

DATE = "20260101"
MODULE = "900000000000207008"
ROOT, FINDING, BODY = "138875005", "404684003", "123037004"
SITE, MORPHOLOGY = "363698007", "116676008"
IS_A, SETS = "116680003", ("723264001", "733990004")
_FSN, _SYNONYM, _CASE = "900000000000003001", "900000000000013009", "900000000000448009"
_LANGUAGE, _PREFERRED, _ACCEPTABLE = (
    "900000000000509007",
    "900000000000548007",
    "900000000000549004",
)
_FIRST = 700_000_000
_WORDS = (
    "acute chronic left right upper lower primary secondary benign severe mild congenital "
    "structure entire region disorder injury fracture infection inflammation neoplasm "
    "stenosis of heart lung liver kidney bone joint nerve artery vein skin muscle brain eye "
    "ear stomach with without due to caused by procedure excision repair measurement "
    "finding substance "
)
_SYLLABLES = "car di o neph ro hep at pul mon ent er ost e arth my neur der mat ot rhin "


def make(folder: Path, concepts: int, seed: int = 1) -> None:
    """Write the files of one release."""
    rng = random.Random(seed)
    codes = [ROOT, FINDING, BODY, SITE, MORPHOLOGY, IS_A, *SETS]
    codes += [str(_FIRST + 7 * n) for n in range(concepts - len(codes))]
    parents = _parents(rng, len(codes))
    syllables = _SYLLABLES.split()
    words = [*_WORDS.split(), *("".join(rng.choices(syllables, k=4)) for _ in range(60_000))]
    place = folder / "Snapshot" / "Terminology"
    _write(
        place / f"sct2_Concept_Snapshot_INT_{DATE}.txt",
        "id effectiveTime active moduleId definitionStatusId",
        ((code, DATE, _active(n), MODULE, "900000000000074008") for n, code in enumerate(codes)),
    )
    _write(
        place / f"sct2_Relationship_Snapshot_INT_{DATE}.txt",
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId "
        "characteristicTypeId modifierId",
        (
            (str(number), DATE, "1", MODULE, *said, "900000000000011006", "900000000000451002")
            for number, said in enumerate(_relationships(rng, codes, parents), 10)
        ),
    )
    _write(
        place / f"sct2_Description_Snapshot-en_INT_{DATE}.txt",
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
        (
            (id, DATE, "1", MODULE, code, "en", type, term, _CASE)
            for id, code, type, term in _descriptions(random.Random(seed), codes, words)
        ),
    )
    _write(
        folder
        / "Snapshot"
        / "Refset"
        / "Language"
        / f"der2_cRefset_LanguageSnapshot-en_INT_{DATE}.txt",
        "id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId",
        (
            (f"l{id}", DATE, "1", MODULE, _LANGUAGE, id, _acceptability(id))
            for id, *_ in _descriptions(random.Random(seed), codes, words)
        ),
    )
    _write(
        folder / "Snapshot" / "Refset" / "Content" / f"der2_Refset_SimpleSnapshot_INT_{DATE}.txt",
        "id effectiveTime active moduleId refsetId referencedComponentId",
        (
            (f"s{number}", DATE, "1", MODULE, rng.choice(SETS), code)
            for number, code in enumerate(rng.sample(codes, len(codes) // 20))
        ),
    )


def _active(number: int) -> str:
    return "0" if number > 100 and number % 37 == 0 else "1"


def _parents(rng: random.Random, size: int) -> list[list[int]]:
    """Each below concepts that were there before, so that there is no cycle. The first eight are
    the root and what is right below it."""
    found: list[list[int]] = [[]]
    tops = [0]
    groups: dict[int, list[int]] = {}
    for number in range(1, size):
        first = 0 if number < 8 else rng.randrange(1, number)
        group = number if first == 0 else tops[first]
        tops.append(group)
        same = groups.setdefault(group, [])
        count = min(3, int(rng.expovariate(1.6))) if len(same) > 10 else 0
        found.append(list(dict.fromkeys([first, *(rng.choice(same) for _ in range(count))])))
        same.append(number)
    return found


def _relationships(
    rng: random.Random, codes: list[str], parents: list[list[int]]
) -> Iterable[tuple[str, str, str, str]]:
    """Source, destination, group, type."""
    for number, code in enumerate(codes):
        for parent in parents[number]:
            yield code, codes[parent], "0", IS_A
        if number > 8:
            for group in range(1, rng.randrange(1, 3) + 1):
                yield code, codes[int(rng.random() ** 2 * len(codes))], str(group), SITE
                if rng.random() < 0.4:
                    yield code, codes[int(rng.random() ** 2 * len(codes))], str(group), MORPHOLOGY


def _descriptions(
    rng: random.Random, codes: list[str], words: list[str]
) -> Iterable[tuple[str, str, str, str]]:
    """Identifier, concept, type and term. The last digits of the identifier say what it is."""
    for number, code in enumerate(codes):
        name = _name(rng, words)
        base = (_FIRST + number) * 100
        yield str(base), code, _FSN, f"{name} (finding)"
        yield str(base + 1), code, _SYNONYM, name
        for more in range(2, 3 + (rng.random() < 0.45)):
            yield str(base + more), code, _SYNONYM, _name(rng, words)


def _acceptability(id: str) -> str:
    return _PREFERRED if id.endswith(("00", "01")) else _ACCEPTABLE


def _name(rng: random.Random, words: list[str]) -> str:
    return " ".join(words[int(rng.random() ** 4 * len(words))] for _ in range(rng.randrange(3, 8)))


def _write(path: Path, titles: str, rows: Iterable[tuple[str, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(titles.split()) + "\r\n")
        for row in rows:
            file.write("\t".join(row) + "\r\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--concepts", type=int, default=350_000)
    given = parser.parse_args()
    make(given.folder, given.concepts)
