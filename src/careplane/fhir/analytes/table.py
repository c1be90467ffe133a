"""Common analytes: what a mole of each weighs, and the LOINC codes of its measurements.

Only measurements of amounts, as mass or as substance, of one kind of molecule; no proteins that
come in several forms, and no ratios. Masses are in mg, from the standard atomic weights. Where
laboratories report a part of the molecule (urea nitrogen, phosphorus), it is the mass of that part
in a mole of the whole. This material contains content from LOINC (http://loinc.org), see NOTICE.
"""

from __future__ import annotations

from typing import Final

ANALYTES: Final[tuple[tuple[str, int, str], ...]] = (
    (
        "glucose",
        180156,
        "2339-0 2345-7 1558-6 2350-7 2342-4 41653-7 2340-8 15074-8 14749-6 14771-0 15076-3 "
        "14744-7 14743-9",
    ),
    ("cholesterol", 386654, "2093-3 14647-2"),
    ("cholesterol in HDL", 386654, "2085-9 14646-4"),
    ("cholesterol in LDL", 386654, "13457-7 2089-1 18262-6 22748-8 39469-2"),
    ("cholesterol in VLDL", 386654, "13458-5 25371-6"),
    ("triglyceride, as triolein", 885432, "2571-8 3043-7 14927-8 70218-3"),
    ("creatinine", 113120, "2160-0 38483-4 2161-8 14682-9 59826-8 14683-7"),
    ("urea, as nitrogen", 28014, "3094-0 6299-2 14937-7"),
    ("urea", 60056, "3091-6 20977-5 3092-4 22664-7 72903-8 22700-9"),
    ("urate", 168110, "3084-1 14933-6"),
    ("bilirubin", 584673, "1975-2 14631-6"),
    ("bilirubin, direct", 584673, "1968-7 14629-0"),
    ("bilirubin, indirect", 584673, "1971-1 14630-8"),
    ("haemoglobin, one chain with its heme", 16114500, "718-7 59260-0"),
    ("calcium", 40078, "17861-6 2000-8"),
    ("calcium, ionised", 40078, "17863-2 1995-0 1994-3"),
    ("magnesium", 24305, "19123-9 2601-3"),
    ("phosphate, as phosphorus", 30974, "2777-1 14879-1"),
    ("iron", 55845, "2498-4 14798-3"),
    ("iron binding capacity", 55845, "2500-7 14800-7"),
    ("sodium", 22990, "2951-2 2947-0 2955-3"),
    ("potassium", 39098, "2823-3 6298-4 2828-2 75940-7"),
    ("chloride", 35450, "2075-0"),
    ("lithium", 6940, "3719-2 14334-7"),
    ("lactate", 90078, "14118-4 2524-7 32693-4"),
    ("cortisol", 362466, "2143-6 14675-3"),
    ("corticotropin", 4541135, "2141-0 14674-6"),
    ("thyroxine", 776871, "3026-2 14921-1"),
    ("thyroxine, free", 776871, "3024-7 14920-3"),
    ("triiodothyronine", 650974, "3053-6 14930-2"),
    ("triiodothyronine, free", 650974, "3051-0 14928-6"),
    ("testosterone", 288431, "2986-8 14913-8"),
    ("estradiol", 272388, "2243-4 14715-7"),
    ("progesterone", 314469, "2839-9 14890-8"),
    ("calcifediol (25-hydroxyvitamin D3)", 400647, "1989-3 14635-7"),
    ("25-hydroxyvitamin D, as D3", 400647, "62292-8 68438-1"),
    ("cobalamin (vitamin B12)", 1355388, "2132-9 14685-2"),
    ("folate", 441404, "2284-8 14732-2"),
    ("thiamine", 265355, "2998-3 32554-8"),
    ("ethanol", 46069, "5643-2 14719-9"),
    ("digoxin", 780949, "10535-3 14698-5"),
    ("phenytoin", 252273, "3968-5 14877-5"),
    ("theophylline", 180167, "4049-3 14915-3"),
    ("risperidone", 410493, "9393-0 39799-2"),
    ("venlafaxine", 277408, "9630-5 34386-3"),
)
"""Name, mg a mole, codes with blanks between them."""
