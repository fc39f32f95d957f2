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
"""One use of a trait; `role` is ``segment``, ``score``, ``outcome``, ``message``, ``lookalike`` for what a
list tells to which others are found alike, ``group`` for that by which one is judged, or ``parity``
where a plan must reach its groups alike."""

MESSAGE_FACTS = {
    "discourages_voting": Type.BOOLEAN,
    "exposes_third_persons": Type.BOOLEAN,
}
"""What review found in a message."""

PROXY_FACTS = {
    "auc": Type.NUMBER,
    "category": Type.TEXT,
}
"""A trait that no feature is, and how well the features together tell it: 0.5 not at all, 1 always."""

FACTS = {"person": PERSON_FACTS, "trait": TRAIT_FACTS, "message": MESSAGE_FACTS, "proxy": PROXY_FACTS}
