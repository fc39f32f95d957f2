"""The facts that rules may ask about, by subject. A fact that is not listed cannot be judged."""

from suasion.expressions import Type

PERSON_FACTS = {
    "adult": Type.BOOLEAN,
    "age": Type.INTEGER,
    "basis": Type.TEXT,
    "consent": Type.BOOLEAN,
    "purpose_permitted": Type.BOOLEAN,
}
"""One row a person, for one purpose and channel; assembled by `profiles`."""

TRAIT_FACTS = {
    "category": Type.TEXT,
    "role": Type.TEXT,
    "basis": Type.TEXT,
    "purpose": Type.TEXT,
}
"""One use of a trait; `role` is ``segment``, ``score``, ``outcome`` or ``message``."""

MESSAGE_FACTS = {
    "discourages_voting": Type.BOOLEAN,
    "exposes_third_persons": Type.BOOLEAN,
}
"""What review found in a message."""

FACTS = {"person": PERSON_FACTS, "trait": TRAIT_FACTS, "message": MESSAGE_FACTS}
