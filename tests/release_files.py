"""Small releases in the layout of their publishers; what they say is made up."""

from __future__ import annotations

from pathlib import Path

SCT = "http://snomed.info/sct"
ROOT, FINDING, BODY, HEART, VALVE = "138875005", "404684003", "123037004", "80891009", "17401000"
DISEASE, CARDIAC, STENOSIS, BOTH, OLD = "64572001", "56265001", "60573004", "1234567", "7654321"
IS_A, SITE, MORPHOLOGY, COUNT = "116680003", "363698007", "116676008", "1142139005"
NARROW, WIDE, SET = "415582006", "25322007", "723264001"
_FSN, _SYNONYM = "900000000000003001", "900000000000013009"
_US = "900000000000509007"
_PREFERRED, _ACCEPTABLE = "900000000000548007", "900000000000549004"

NAMES = {
    ROOT: "SNOMED CT Concept (concept)", FINDING: "Clinical finding (finding)",
    BODY: "Body structure (body structure)", HEART: "Heart structure (body structure)",
    VALVE: "Heart valve structure (body structure)", DISEASE: "Disease (disorder)",
    CARDIAC: "Heart disease (disorder)", STENOSIS: "Aortic valve stenosis (disorder)",
    BOTH: "Stenosis and dilatation of valve (disorder)", OLD: "Old disease (disorder)",
    IS_A: "Is a (attribute)", SITE: "Finding site (attribute)",
    MORPHOLOGY: "Associated morphology (attribute)", COUNT: "Count of (attribute)",
    NARROW: "Stenosis (morphologic abnormality)", WIDE: "Dilatation (morphologic abnormality)",
    SET: "Lateralizable set (foundation metadata concept)",
}  # fmt: skip
PARENTS = [
    (FINDING, ROOT), (BODY, ROOT), (HEART, BODY), (VALVE, HEART), (DISEASE, FINDING),
    (CARDIAC, DISEASE), (STENOSIS, CARDIAC), (BOTH, STENOSIS), (BOTH, CARDIAC), (IS_A, ROOT),
    (SITE, ROOT), (MORPHOLOGY, ROOT), (COUNT, ROOT), (NARROW, BODY), (WIDE, BODY), (SET, ROOT),
]  # fmt: skip
SAID = [
    (CARDIAC, SITE, HEART, 1), (STENOSIS, SITE, VALVE, 1), (STENOSIS, MORPHOLOGY, NARROW, 1),
    (BOTH, SITE, VALVE, 1), (BOTH, MORPHOLOGY, NARROW, 1), (BOTH, SITE, HEART, 2),
    (BOTH, MORPHOLOGY, WIDE, 2),
]  # fmt: skip


def snomed(folder: Path) -> Path:
    """An RF2 snapshot of seventeen concepts, one of them inactive."""
    terms = folder / "Snapshot" / "Terminology"
    sets = folder / "Snapshot" / "Refset"
    common = "20260301\t1\t900000000000207008"
    _table(
        terms / "sct2_Concept_Snapshot_INT_20260301.txt",
        "id effectiveTime active moduleId definitionStatusId",
        [f"{c}\t20260301\t{int(c != OLD)}\t900000000000207008\t900000000000074008" for c in NAMES],
    )
    _table(
        terms / "sct2_Relationship_Snapshot_INT_20260301.txt",
        "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId",
        [f"1\t{common}\t{child}\t{parent}\t0\t{IS_A}" for child, parent in PARENTS]
        + [f"2\t{common}\t{a}\t{c}\t{group}\t{b}" for a, b, c, group in SAID]
        + [f"3\t20260301\t0\t900000000000207008\t{OLD}\t{DISEASE}\t0\t{IS_A}"],
    )
    _table(
        terms / "sct2_RelationshipConcreteValues_Snapshot_INT_20260301.txt",
        "id effectiveTime active moduleId sourceId value relationshipGroup typeId",
        [f"4\t{common}\t{BOTH}\t#2\t0\t{COUNT}", f"5\t{common}\t{STENOSIS}\t#1.5\t0\t{COUNT}"],
    )
    described = [
        (f"{number}01", code, _FSN, name) for number, (code, name) in enumerate(NAMES.items(), 1)
    ]
    described += [("9002", STENOSIS, _SYNONYM, "AS - aortic stenosis")]
    described += [("9003", STENOSIS, _SYNONYM, "Aortic stenosis")]
    _table(
        terms / "sct2_Description_Snapshot-en_INT_20260301.txt",
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
        [f"{id}\t{common}\t{code}\ten\t{type}\t{term}\t1" for id, code, type, term in described],
    )
    _table(
        sets / "Language" / "der2_cRefset_LanguageSnapshot-en_INT_20260301.txt",
        "id effectiveTime active moduleId refsetId referencedComponentId acceptabilityId",
        [
            f"u\t{common}\t{_US}\t{id}\t{_PREFERRED if id != '9002' else _ACCEPTABLE}"
            for id, *_ in described
        ],
    )
    _table(
        sets / "Content" / "der2_Refset_SimpleSnapshot_INT_20260301.txt",
        "id effectiveTime active moduleId refsetId referencedComponentId",
        [f"v\t{common}\t{SET}\t{code}" for code in (HEART, VALVE)],
    )
    return folder


def loinc(folder: Path) -> Path:
    """The table, parts with their hierarchy, an answer list and a variant."""
    titles = (
        "LOINC_NUM,COMPONENT,PROPERTY,TIME_ASPCT,SYSTEM,SCALE_TYP,METHOD_TYP,CLASS,STATUS,"
        "CONSUMER_NAME,CLASSTYPE,SHORTNAME,LONG_COMMON_NAME"
    )
    _text(
        folder / "LoincTable" / "Loinc.csv",
        titles,
        '"1-8","Glucose","MCnc","Pt","Bld","Qn","","CHEM","ACTIVE","Sugar","1","Gluc","Glucose '
        '[Mass/volume] in Blood"',
        '"2-6","Glucose","SCnc","Pt","Bld","Qn","","CHEM","DEPRECATED","","1","","Old glucose"',
    )
    more = folder / "AccessoryFiles"
    _text(
        more / "PartFile" / "Part.csv",
        "PartNumber,PartTypeName,PartName,PartDisplayName,Status",
        "LP1-1,COMPONENT,Glucose,Glucose (part),ACTIVE",
    )
    _text(
        more / "ComponentHierarchyBySystem" / "ComponentHierarchyBySystem.csv",
        "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT",
        ",1,,LP9-9,Laboratory",
        "LP9-9,1,LP9-9,LP1-1,Glucose",
        "LP9-9.LP1-1,1,LP1-1,1-8,Glucose Bld",
    )
    _text(
        more / "AnswerFile" / "AnswerList.csv",
        "AnswerListId,AnswerListName,SequenceNumber,AnswerStringId,DisplayText",
        "LL1-2,Yes or no,1,LA1-1,Yes",
        "LL1-2,Yes or no,2,LA2-2,No",
    )
    _text(
        more / "LinguisticVariants" / "deDE15LinguisticVariant.csv",
        "LOINC_NUM,LONG_COMMON_NAME",
        "1-8,Glukose im Blut",
        "99-9,Nicht dabei",
    )
    return folder


def rxnorm(folder: Path) -> Path:
    """An ingredient, a drug and a brand name that is suppressed."""

    def name(code: str, type: str, text: str, source: str = "RXNORM", suppressed: str = "N") -> str:
        return f"{code}|ENG||||||1|||{code}|{source}|{type}|{code}|{text}||{suppressed}||"

    rrf = folder / "rrf"
    _text(
        rrf / "RXNCONSO.RRF",
        name("161", "IN", "acetaminophen"),
        name("161", "SY", "paracetamol"),
        name("161", "PT", "ACETAMINOPHEN", source="MTHSPL"),
        name("313782", "PSN", "acetaminophen tablets"),
        name("313782", "SCD", "acetaminophen 325 MG Oral Tablet"),
        name("5", "BN", "Gone", suppressed="O"),
    )
    _text(rrf / "RXNREL.RRF", "161||CUI|RO|313782||CUI|has_ingredient|1||RXNORM|RXNORM||||")
    _text(rrf / "RXNSTY.RRF", "161|T109|A|Organic Chemical|||")
    _text(rrf / "RXNSAT.RRF", "313782||||CUI|313782|||RXN_STRENGTH|RXNORM|325 MG|N||")
    _text(rrf / "RXNSAB.RRF", "1|2|RXNORM_20AA|RXNORM|RxNorm|RXNORM|20AA_260302F|||")
    return folder


def icd10cm(folder: Path) -> Path:
    """A tabular list with a block of one category, and seventh characters."""
    _text(
        folder / "icd10cm_tabular_2026.xml",
        "<?xml version='1.0' encoding='utf-8'?>",
        "<ICD10CM.tabular><version>2026</version><introduction/>",
        "<chapter><name>19</name><desc>Injury (S00-T88)</desc>",
        "<section id='S40-S49'><desc>Injuries to the shoulder</desc>",
        "<diag><name>S42</name><desc>Fracture of shoulder</desc>",
        "<excludes1><note>traumatic amputation</note></excludes1>",
        "<sevenChrDef><extension char='A'>initial encounter</extension>",
        "<extension char='D'>subsequent encounter</extension></sevenChrDef>",
        "<diag><name>S42.0</name><desc>Fracture of clavicle</desc>",
        "<diag><name>S42.00</name><desc>Fracture of unspecified part of clavicle</desc></diag>",
        "</diag></diag></section>",
        "<section id='T07'><desc>Multiple injuries</desc>",
        "<diag><name>T07</name><desc>Unspecified multiple injuries</desc></diag></section>",
        "</chapter></ICD10CM.tabular>",
    )
    return folder


def icd10cm_order(folder: Path) -> Path:
    """The same year as an order file."""
    rows = [
        ("S42", "0", "Fracture", "Fracture of shoulder"),
        ("S420", "0", "Fx clavicle", "Fracture of clavicle"),
        ("S42001A", "1", "Fx r clavicle, init", "Fracture of right clavicle, initial"),
    ]
    _text(
        folder / "icd10cm_order_2026.txt",
        *(
            f"{n:05} {code:7} {flag} {short:60} {name}"
            for n, (code, flag, short, name) in enumerate(rows, 1)
        ),
    )
    return folder


def atc(folder: Path) -> Path:
    """One branch of the tree; a substance with two doses."""
    _text(
        folder / "atc.csv",
        "ATC code,ATC level name,DDD,U,Adm.R,Note",
        "A,ALIMENTARY TRACT AND METABOLISM,,,,",
        "A10,DRUGS USED IN DIABETES,,,,",
        "A10B,BLOOD GLUCOSE LOWERING DRUGS,,,,",
        "A10BA,Biguanides,,,,",
        "A10BA02,metformin,2,g,O,",
        "A10BA02,metformin,1,g,P,a note",
    )
    return folder


def ucum(folder: Path) -> Path:
    """Two units and a prefix."""
    _text(
        folder / "ucum-essence.xml",
        "<?xml version='1.0' encoding='ascii'?>",
        "<root xmlns='http://unitsofmeasure.org/ucum-essence' version='2.2'>",
        "<prefix Code='k' CODE='K'><name>kilo</name></prefix>",
        "<base-unit Code='m' CODE='M' dim='L'><name>meter</name><property>length</property>",
        "</base-unit>",
        "<unit Code='[in_i]' CODE='[IN_I]' isMetric='no' class='intcust'><name>inch</name>",
        "<name>zoll</name><property>length</property>",
        "<value Unit='cm' UNIT='CM' value='2.54'>2.54</value></unit></root>",
    )
    return folder


def table(folder: Path) -> Path:
    """A table of one's own."""
    _text(
        folder / "codes.csv",
        "Id;Bezeichnung;English;Über;Farbe;Weg",
        "A;Erstes;First;;rot;",
        'B;"Zwei; tes";Second;A;;yes',
    )
    return folder


def _table(path: Path, titles: str, rows: list[str]) -> None:
    _text(path, "\t".join(titles.split()), *rows)


def _text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\r\n".join(lines) + "\r\n", "utf-8")
