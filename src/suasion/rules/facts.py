"""The facts that rules may ask about, by subject. A fact that is not listed cannot be judged."""

from suasion.expressions import Type

PERSON_FACTS = {
    "adult": Type.BOOLEAN,
    "age": Type.INTEGER,
    "basis": Type.TEXT,
    "purpose_permitted": Type.BOOLEAN,
    # The person's own yes, with evidence; a yes without evidence is none.
    "consent": Type.BOOLEAN,
    "consent_separate": Type.BOOLEAN,
    "consent_written": Type.BOOLEAN,
    "consent_confirmed": Type.BOOLEAN,
    "consent_days": Type.INTEGER,
    "parental_consent": Type.BOOLEAN,
    "authorization": Type.BOOLEAN,
    "authorization_days": Type.INTEGER,
    # How the sponsor knows the person.
    "collected_from_person": Type.BOOLEAN,
    "noticed": Type.BOOLEAN,
    "opt_out_offered": Type.BOOLEAN,
    "customer": Type.BOOLEAN,
    "customer_days": Type.INTEGER,
    "inquiry_days": Type.INTEGER,
    "member": Type.BOOLEAN,
    "broker_days": Type.INTEGER,
    "election_filing": Type.BOOLEAN,
    "patient": Type.BOOLEAN,
    # What the person has said.
    "objected": Type.BOOLEAN,
    "restricted": Type.BOOLEAN,
    "sale_opted_out": Type.BOOLEAN,
    "do_not_call": Type.BOOLEAN,
    # Where and when.
    "hour": Type.INTEGER,
    "contacts_today": Type.INTEGER,
}
"""One row a person, for one purpose and channel; assembled by `profiles`.

`consent_separate`: asked for this purpose alone; `consent_written`: signed or ticked by the person, for
automated texts; `consent_confirmed`: double opt-in; `_days`: full days since it was given, since the last
deal or inquiry, or since a broker's deletion list was last applied to data bought from one (null where none
were bought). `opt_out_offered`: when the address was collected. `objected`: to being targeted; `restricted`:
storage only; `sale_opted_out`: of sale and sharing, Global Privacy Control among it; `hour`: the earliest and
latest local hour are judged, the worse counts. `election_filing`: known from filings of donors; `patient`:
known from the records of their care, and `authorization`: signed for it.
"""

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
    "fear": Type.BOOLEAN,
    "urgency": Type.BOOLEAN,
    "guilt": Type.BOOLEAN,
    "threat": Type.BOOLEAN,
    "scarcity_unproven": Type.BOOLEAN,
    "vulnerable_group": Type.BOOLEAN,
    "claims_unsourced": Type.INTEGER,
    "dates_wrong": Type.INTEGER,
    "subject_misleading": Type.BOOLEAN,
    "ai_made": Type.BOOLEAN,
    "ai_marked": Type.BOOLEAN,
    "advertisement_marked": Type.BOOLEAN,
    "personal_price": Type.BOOLEAN,
    "price_disclosed": Type.BOOLEAN,
    "states_preference": Type.BOOLEAN,
    "directed_to_children": Type.BOOLEAN,
    "second_person": Type.BOOLEAN,
}
"""What review, by words and by people, found in a message. `vulnerable_group`: it is meant for one;
`states_preference`: of a protected group, for housing or jobs; `second_person`: reviewed by another than its
writer."""

PROXY_FACTS = {
    "auc": Type.NUMBER,
    "category": Type.TEXT,
}
"""A trait that no feature is, and how well the features together tell it: 0.5 not at all, 1 always."""

CAMPAIGN_FACTS = {
    "targets": Type.BOOLEAN,
    "lookalike": Type.BOOLEAN,
    "people": Type.INTEGER,
    "radius_km": Type.NUMBER,
    "online": Type.BOOLEAN,
    "tracking": Type.BOOLEAN,
    "platform": Type.TEXT,
    # Who speaks and who pays.
    "imprint": Type.BOOLEAN,
    "sponsor_postal": Type.BOOLEAN,
    "sponsor_email": Type.BOOLEAN,
    "sponsor_legal_name": Type.BOOLEAN,
    "sponsor_place": Type.TEXT,
    "sponsor_controlled_from": Type.TEXT,
    "sponsor_may_vote": Type.BOOLEAN,
    "payer_named": Type.BOOLEAN,
    "committee": Type.BOOLEAN,
    "authorization_said": Type.BOOLEAN,
    # What is declared and published.
    "days_to_vote": Type.INTEGER,
    "process_linked": Type.BOOLEAN,
    "labelled": Type.BOOLEAN,
    "notice": Type.BOOLEAN,
    "published": Type.BOOLEAN,
    "amounts_declared": Type.BOOLEAN,
    "origin_declared": Type.BOOLEAN,
    "policy_url": Type.BOOLEAN,
    "risk_assessment": Type.BOOLEAN,
    "dpia": Type.BOOLEAN,
    "complaint_channel": Type.BOOLEAN,
    "keep_years": Type.INTEGER,
    # How people get out.
    "opt_out": Type.BOOLEAN,
    "opt_out_one_click": Type.BOOLEAN,
    "opt_out_days": Type.INTEGER,
    # What else law asks.
    "personal_price": Type.BOOLEAN,
    "price_disclosed": Type.BOOLEAN,
    "remunerated": Type.BOOLEAN,
    "remuneration_disclosed": Type.BOOLEAN,
    "outside_transfer": Type.BOOLEAN,
    "transfer_safeguard": Type.BOOLEAN,
    "health_data": Type.BOOLEAN,
    "ai_text": Type.BOOLEAN,
    "ai_text_said": Type.BOOLEAN,
}
"""What is declared of a campaign. `targets`: persons or variants are chosen by personal data;
`days_to_vote`: until the linked vote, below 0 after it; `opt_out_days`: for how long links work; `platform`:
that the list of people goes to (``google``, ``meta``, ``other``), null where it goes to none; `radius_km`:
null where nobody is chosen by one; `sponsor_controlled_from`: the sponsor's own place where nobody else
controls it."""

REQUEST_FACTS = {
    "request": Type.TEXT,
    "received": Type.DATE,
    "answered": Type.DATE,
    "due": Type.DATE,
    "near_vote": Type.BOOLEAN,
}
"""A request or event with a clock. `request` is ``access``, ``rectification``, ``erasure``, ``restriction``,
``objection``, ``portability``, ``opt_out``, ``sale_opt_out``, ``complaint``, ``authority``, ``researcher``,
``breach``, ``broker_deletion`` or ``publication``; `due` is made from `received` by the rule's `within`;
`near_vote`: in the last month before one."""

FACTS = {
    "person": PERSON_FACTS,
    "trait": TRAIT_FACTS,
    "message": MESSAGE_FACTS,
    "proxy": PROXY_FACTS,
    "campaign": CAMPAIGN_FACTS,
    "request": REQUEST_FACTS,
}
