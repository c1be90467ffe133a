"""What tests are, in plain words: names and a sentence or two for patients, by LOINC code.

The words are ours, to be translated like every text of the pages.
"""

from __future__ import annotations

from dataclasses import dataclass

from careplane.web.i18n import mark


@dataclass(frozen=True, slots=True)
class Plain:
    """A test: its name, what it tells, and the group under which it is listed."""

    name: str
    says: str
    group: str


BLOOD = mark("Blood count")
KIDNEYS = mark("Kidneys")
SALTS = mark("Salts and minerals")
LIVER = mark("Liver and proteins")
FATS = mark("Fats in the blood")
SUGAR = mark("Blood sugar")
HEART = mark("Heart")
CLOTTING = mark("Clotting")
THYROID = mark("Thyroid and hormones")
VITAMINS = mark("Iron and vitamins")
INFECTION = mark("Inflammation and infection")
URINE = mark("Urine and stool")
ALLERGY = mark("Allergy")
BREATH = mark("Breathing")
BODY = mark("Body measures")
OTHER = mark("Other results")
GROUPS = (
    HEART, BLOOD, SUGAR, FATS, KIDNEYS, SALTS, LIVER, THYROID, VITAMINS, CLOTTING, INFECTION,
    URINE, BREATH, ALLERGY, BODY, OTHER,
)  # fmt: skip
"""The order in which groups are listed."""

_ALLERGY = mark(
    "Looks for antibodies that the body makes against this. A higher value makes an allergy more "
    "likely; whether you are allergic depends on what happens when you meet it."
)

# LOINC codes that are alike to a patient, name, what it tells, group
_ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("718-7 20509-6", mark("Hemoglobin"),
     mark("The part of red blood cells that carries oxygen. A low value is called anemia and can "
          "make you tired or short of breath."), BLOOD),
    ("4544-3 20570-8", mark("Hematocrit"),
     mark("How much of your blood is made up of red blood cells."), BLOOD),
    ("789-8 26453-1", mark("Red blood cells"),
     mark("The number of cells that carry oxygen through your body."), BLOOD),
    ("6690-2 26464-8", mark("White blood cells"),
     mark("The number of cells that fight infections. It often rises with an infection."), BLOOD),
    ("777-3 26515-7", mark("Platelets"),
     mark("Small cells that help your blood to clot when you are hurt."), BLOOD),
    ("787-2 30428-7", mark("Size of red blood cells (MCV)"),
     mark("How large your red blood cells are. It helps to find the reason of an anemia."), BLOOD),
    ("785-6", mark("Hemoglobin in each red cell (MCH)"),
     mark("How much hemoglobin a red blood cell holds on average."), BLOOD),
    ("786-4", mark("Density of hemoglobin (MCHC)"),
     mark("How densely red blood cells are filled with hemoglobin."), BLOOD),
    ("788-0 30385-9 21000-5", mark("Spread of red cell size (RDW)"),
     mark("How much red blood cells differ in size."), BLOOD),
    ("770-8 751-8 26499-4", mark("Neutrophils"),
     mark("White blood cells that fight bacteria."), BLOOD),
    ("736-9 731-0 26474-7", mark("Lymphocytes"),
     mark("White blood cells that fight viruses and remember infections."), BLOOD),
    ("5905-5 742-7 26484-6", mark("Monocytes"),
     mark("White blood cells that clear away what has died."), BLOOD),
    ("713-8 711-2 26449-9", mark("Eosinophils"),
     mark("White blood cells that often rise with allergies."), BLOOD),
    ("706-2 704-7 26444-0", mark("Basophils"),
     mark("The rarest white blood cells, which take part in allergies."), BLOOD),
    ("17849-1 4679-7 60474-4", mark("Young red blood cells"),
     mark("How many new red blood cells your bone marrow is making."), BLOOD),
    ("2160-0 38483-4 14682-9", mark("Creatinine"),
     mark("A waste product that healthy kidneys remove. A higher value can mean that the kidneys "
          "filter less."), KIDNEYS),
    ("33914-3 62238-1 98979-8 48642-3 48643-1 88293-6 77147-7", mark("Kidney function (eGFR)"),
     mark("An estimate of how well your kidneys filter the blood. Higher is better."), KIDNEYS),
    ("3094-0 6299-2 22664-7", mark("Urea nitrogen"),
     mark("A waste product that the kidneys remove. It also rises if you drink too little."),
     KIDNEYS),
    ("3084-1 14933-6", mark("Uric acid"),
     mark("A waste product. A high value over a long time can lead to gout."), KIDNEYS),
    ("33863-2", mark("Cystatin C"),
     mark("A protein that tells how well the kidneys filter."), KIDNEYS),
    ("2951-2 2947-0", mark("Sodium"),
     mark("A salt that keeps the water in your body in balance."), SALTS),
    ("2823-3 6298-4", mark("Potassium"),
     mark("A salt that muscles and the heart need. Some medicines change it, so it is checked "
          "regularly."), SALTS),
    ("2075-0 2069-3", mark("Chloride"),
     mark("A salt that goes together with sodium and keeps fluids in balance."), SALTS),
    ("2028-9 20565-8 1963-8", mark("Carbon dioxide (bicarbonate)"),
     mark("Tells whether your blood is too acid or not acid enough."), SALTS),
    ("17861-6 49765-1 2000-8", mark("Calcium"),
     mark("A mineral that bones, muscles and nerves need."), SALTS),
    ("1994-3", mark("Calcium, ionized"),
     mark("The part of calcium that your body can use at once."), SALTS),
    ("19123-9 2601-3", mark("Magnesium"),
     mark("A mineral that muscles, nerves and the heart need."), SALTS),
    ("2777-1 14879-1", mark("Phosphate"),
     mark("A mineral that is part of bones. The kidneys keep it in balance."), SALTS),
    ("33037-3 10466-1", mark("Anion gap"),
     mark("Worked out from salts in the blood; it helps to find why blood is too acid."), SALTS),
    ("1742-6", mark("Liver enzyme ALT"),
     mark("A substance of liver cells. It rises in the blood when liver cells are hurt."), LIVER),
    ("1920-8", mark("Liver enzyme AST"),
     mark("A substance of liver and muscle cells. It rises in the blood when such cells are "
          "hurt."), LIVER),
    ("6768-6", mark("Alkaline phosphatase"),
     mark("A substance of liver, bile ducts and bones. In children who grow it is higher."), LIVER),
    ("2324-2", mark("Liver enzyme GGT"),
     mark("A substance of the liver and bile ducts. Alcohol and some medicines make it rise."),
     LIVER),
    ("1975-2 42719-5", mark("Bilirubin, total"),
     mark("A yellow substance from old red blood cells. The liver removes it; too much makes the "
          "skin yellow."), LIVER),
    ("1968-7", mark("Bilirubin, direct"),
     mark("The part of bilirubin that the liver has already worked on."), LIVER),
    ("1751-7 61151-7", mark("Albumin"),
     mark("The most common protein of the blood. It is made by the liver."), LIVER),
    ("2885-2", mark("Protein, total"),
     mark("All proteins of the blood together."), LIVER),
    ("10834-0 2336-6", mark("Globulin"),
     mark("Proteins of the blood, among them those that fight infections."), LIVER),
    ("3040-3", mark("Lipase"),
     mark("A substance of the pancreas. It rises when the pancreas is inflamed."), LIVER),
    ("1798-8", mark("Amylase"),
     mark("A substance of the pancreas and the salivary glands."), LIVER),
    ("2093-3 14647-2", mark("Cholesterol, total"),
     mark("All cholesterol in your blood together. Over years, too much can narrow blood "
          "vessels."), FATS),
    ("18262-6 13457-7 2089-1", mark("LDL cholesterol"),
     mark("Often called bad cholesterol: it can settle in blood vessels. Lower is better; your "
          "own goal depends on your other risks."), FATS),
    ("2085-9", mark("HDL cholesterol"),
     mark("Often called good cholesterol, since it carries fats away from blood vessels."), FATS),
    ("2571-8", mark("Triglycerides"),
     mark("Fats from food. They are higher after a meal."), FATS),
    ("43396-1", mark("Non-HDL cholesterol"),
     mark("All cholesterol that can settle in blood vessels."), FATS),
    ("10835-7 43583-4", mark("Lipoprotein (a)"),
     mark("A fat in the blood that you inherit. High values add to the risk for heart and "
          "vessels."), FATS),
    ("2339-0 2345-7 74774-1", mark("Blood sugar (glucose)"),
     mark("The sugar in your blood at that moment. It depends on when you last ate."), SUGAR),
    ("1558-6", mark("Blood sugar, fasting"),
     mark("The sugar in your blood after a night without food."), SUGAR),
    ("4548-4 17856-6 59261-8", mark("Long-term blood sugar (HbA1c)"),
     mark("Tells how high your blood sugar has been on average over the last two to three "
          "months."), SUGAR),
    ("20448-7", mark("Insulin"),
     mark("The hormone that brings sugar from the blood into cells."), SUGAR),
    ("1986-9", mark("C-peptide"),
     mark("Tells how much insulin your own body makes."), SUGAR),
    ("33762-6 83107-3", mark("Heart strain (NT-proBNP)"),
     mark("A substance that the heart releases when it has to work hard. In heart failure it shows "
          "how well treatment works."), HEART),
    ("30934-4 42637-9", mark("Heart strain (BNP)"),
     mark("A substance that the heart releases when it has to work hard."), HEART),
    ("10839-9 42757-5", mark("Troponin I"),
     mark("A part of heart muscle. It is found in the blood when heart muscle is hurt."), HEART),
    ("6598-7 67151-1", mark("Troponin T"),
     mark("A part of heart muscle. It is found in the blood when heart muscle is hurt."), HEART),
    ("2157-6", mark("Muscle enzyme CK"),
     mark("A substance of muscles. It rises after hard exercise and when muscles are hurt."),
     HEART),
    ("10230-1 8806-2 18043-0", mark("Pumping strength of the heart"),
     mark("How much of the blood in the left chamber the heart pumps out with each beat (ejection "
          "fraction)."), HEART),
    ("6301-6 34714-6", mark("Clotting time (INR)"),
     mark("How long your blood takes to clot. Who takes warfarin has a goal of their own."),
     CLOTTING),
    ("5902-2 5964-2", mark("Clotting time (PT)"),
     mark("How long your blood takes to clot, in seconds."), CLOTTING),
    ("3173-2 14979-9", mark("Clotting time (PTT)"),
     mark("Another way to measure how long blood takes to clot."), CLOTTING),
    ("48065-7 48066-5 91556-1", mark("D-dimer"),
     mark("Pieces of dissolved clots. A low value makes a fresh clot unlikely; a high one has many "
          "reasons."), CLOTTING),
    ("3255-7", mark("Fibrinogen"),
     mark("A protein that forms clots. It also rises with inflammation."), CLOTTING),
    ("3016-3 11580-8 11579-0", mark("Thyroid control (TSH)"),
     mark("The hormone that steers the thyroid. A high value can mean that the thyroid works too "
          "little, a low one that it works too much."), THYROID),
    ("3024-7", mark("Thyroid hormone, free T4"),
     mark("The main hormone of the thyroid."), THYROID),
    ("3051-0", mark("Thyroid hormone, free T3"),
     mark("The active hormone of the thyroid."), THYROID),
    ("2986-8", mark("Testosterone"),
     mark("A sex hormone of men, and in small amounts of women."), THYROID),
    ("2243-4", mark("Estradiol"),
     mark("A sex hormone of women, and in small amounts of men."), THYROID),
    ("15067-2", mark("FSH"),
     mark("A hormone that steers ovaries and testicles."), THYROID),
    ("10501-5", mark("LH"),
     mark("A hormone that steers ovaries and testicles."), THYROID),
    ("2842-3", mark("Prolactin"),
     mark("The hormone of breast milk. Stress and some medicines make it rise."), THYROID),
    ("2143-6", mark("Cortisol"),
     mark("A hormone of stress. It changes with the time of day."), THYROID),
    ("2731-8", mark("Parathyroid hormone"),
     mark("The hormone that keeps calcium in balance."), THYROID),
    ("21198-7 19080-1 2118-8", mark("Pregnancy hormone (hCG)"),
     mark("The hormone that is made in pregnancy."), THYROID),
    ("2857-1", mark("Prostate test (PSA)"),
     mark("A protein of the prostate. It rises with age and for many reasons, most of which are "
          "harmless."), THYROID),
    ("2498-4", mark("Iron"),
     mark("The iron in your blood at that moment. The body needs it to make red blood cells."),
     VITAMINS),
    ("2276-4 20567-4", mark("Iron stores (ferritin)"),
     mark("Tells how much iron your body has in store."), VITAMINS),
    ("3034-6", mark("Transferrin"),
     mark("The protein that carries iron through the blood."), VITAMINS),
    ("2502-3", mark("Transferrin saturation"),
     mark("How much of the iron carrier is loaded with iron."), VITAMINS),
    ("2500-7", mark("Iron binding capacity"),
     mark("How much iron your blood could carry."), VITAMINS),
    ("2132-9", mark("Vitamin B12"),
     mark("A vitamin that nerves and blood need."), VITAMINS),
    ("2284-8", mark("Folate"),
     mark("A vitamin that new cells need. It matters most before and in pregnancy."), VITAMINS),
    ("1989-3 62292-8 35365-6", mark("Vitamin D"),
     mark("A vitamin that bones need. The skin makes it in sunlight."), VITAMINS),
    ("1988-5 30522-7 71426-1", mark("Inflammation (CRP)"),
     mark("Rises within hours when there is an inflammation or an infection somewhere."),
     INFECTION),
    ("4537-7 30341-2", mark("Sedimentation rate"),
     mark("A slow sign of inflammation somewhere in the body."), INFECTION),
    ("33959-8", mark("Procalcitonin"),
     mark("Rises with severe infections by bacteria."), INFECTION),
    ("94500-6 94558-4 94759-8 94531-1", mark("COVID-19 test"),
     mark("Looks for the virus that causes COVID-19."), INFECTION),
    ("5196-1 5195-3", mark("Hepatitis B test"),
     mark("Looks for the virus that causes hepatitis B."), INFECTION),
    ("16128-1 13955-0", mark("Hepatitis C test"),
     mark("Looks for antibodies against the virus that causes hepatitis C."), INFECTION),
    ("56888-1 75622-1 7918-6", mark("HIV test"),
     mark("Looks for signs of HIV. A first test is always confirmed by a second one."), INFECTION),
    ("11572-5", mark("Rheumatoid factor"),
     mark("An antibody that is often found in rheumatoid arthritis, and sometimes in healthy "
          "people."), INFECTION),
    ("14959-1 9318-7 32294-1 30000-4", mark("Protein in the urine (albumin ratio)"),
     mark("An early sign of kidney damage, from diabetes or high blood pressure for example."),
     URINE),
    ("5804-0 20454-5 2888-6", mark("Protein in the urine"),
     mark("Healthy kidneys let almost no protein through."), URINE),
    ("5792-7 25428-4 2350-7", mark("Sugar in the urine"),
     mark("Sugar is found there if there is too much of it in the blood, or with some "
          "medicines."), URINE),
    ("5794-3 13945-1 20409-9", mark("Blood in the urine"),
     mark("Looks for blood that the eye does not see."), URINE),
    ("5799-2 20408-1", mark("White cells in the urine"),
     mark("A sign of an infection of the bladder or the kidneys."), URINE),
    ("5802-4 20407-3", mark("Nitrite in the urine"),
     mark("A sign of bacteria in the bladder."), URINE),
    ("5803-2 2756-5", mark("Acidity of the urine (pH)"),
     mark("How acid your urine is. It changes with what you eat."), URINE),
    ("5811-5 2965-2", mark("Density of the urine"),
     mark("How concentrated your urine is. It changes with how much you drink."), URINE),
    ("630-4", mark("Urine culture"),
     mark("Bacteria from your urine are grown to see which they are and what helps."), URINE),
    ("57905-2 2335-8 29771-3 27396-1", mark("Blood in the stool"),
     mark("Looks for blood that the eye does not see."), URINE),
    ("19926-5", mark("Breathing test (FEV1/FVC)"),
     mark("How much of your breath you can blow out in the first second."), BREATH),
    ("59408-5 2708-6", mark("Oxygen in the blood"),
     mark("How much of your blood carries oxygen, measured at the finger."), BODY),
    ("85354-9 55284-4", mark("Blood pressure"),
     mark("The pressure in your arteries when the heart beats (upper) and when it rests "
          "(lower)."), BODY),
    ("8480-6", mark("Upper blood pressure"),
     mark("The pressure in your arteries when the heart beats."), BODY),
    ("8462-4", mark("Lower blood pressure"),
     mark("The pressure in your arteries when the heart rests."), BODY),
    ("8867-4", mark("Pulse"), mark("How often your heart beats in a minute."), BODY),
    ("29463-7 3141-9", mark("Weight"), mark("Your weight."), BODY),
    ("8302-2", mark("Height"), mark("Your height."), BODY),
    ("39156-5", mark("Body mass index"),
     mark("Your weight in relation to your height."), BODY),
    ("8310-5 8331-1", mark("Temperature"), mark("The temperature of your body."), BODY),
    ("9279-1", mark("Breaths per minute"), mark("How often you breathe in a minute."), BODY),
    ("72514-3", mark("Pain"),
     mark("How strong you said your pain was, from 0 for none to 10 for the worst."), BODY),
    ("6206-7", mark("Allergy test: peanut"), _ALLERGY, ALLERGY),
    ("6273-7", mark("Allergy test: walnut"), _ALLERGY, ALLERGY),
    ("6082-2", mark("Allergy test: codfish"), _ALLERGY, ALLERGY),
    ("6246-3", mark("Allergy test: shrimp"), _ALLERGY, ALLERGY),
    ("6276-0", mark("Allergy test: wheat"), _ALLERGY, ALLERGY),
    ("6106-9", mark("Allergy test: egg white"), _ALLERGY, ALLERGY),
    ("6248-9", mark("Allergy test: soybean"), _ALLERGY, ALLERGY),
    ("7258-7", mark("Allergy test: cow's milk"), _ALLERGY, ALLERGY),
    ("6189-5", mark("Allergy test: oak pollen"), _ALLERGY, ALLERGY),
    ("6085-5", mark("Allergy test: ragweed pollen"), _ALLERGY, ALLERGY),
    ("6833-8", mark("Allergy test: cat"), _ALLERGY, ALLERGY),
    ("6095-4", mark("Allergy test: house dust mite"), _ALLERGY, ALLERGY),
    ("6075-6", mark("Allergy test: mold"), _ALLERGY, ALLERGY),
    ("6844-5", mark("Allergy test: honey bee"), _ALLERGY, ALLERGY),
    ("6158-0", mark("Allergy test: latex"), _ALLERGY, ALLERGY),
)  # fmt: skip

PLAIN: dict[str, Plain] = {
    code: Plain(name, says, group) for codes, name, says, group in _ROWS for code in codes.split()
}
"""By LOINC code."""
