"""Whether a person refused, as the ledger knows it inside a transaction."""

_SAME = "{one}.person = s.person AND {one}.purpose = :purpose AND {one}.channel = :channel"
_PROVEN = (
    "{one}.given = 1 AND {one}.source <> '#asked' "
    "AND {one}.wording IS NOT NULL AND {one}.capture IS NOT NULL AND {one}.said_at IS NOT NULL "
    "AND ({one}.source <> '#person' OR {one}.confirmed_at IS NOT NULL)"
)
_C, _E, _N = (f"{_SAME} AND {_PROVEN}".replace("{one}", one) for one in "cen")

REFUSED = f"""EXISTS (SELECT 1 FROM consents c
    WHERE {_SAME.replace("{one}", "c")} AND c.source <> '#asked'
    AND (c.given = 0 OR c.expires_on < :today OR NOT (
        ({_C}) OR EXISTS (SELECT 1 FROM consents e WHERE {_E})))
    AND NOT EXISTS (SELECT 1 FROM consents n WHERE {_N}
        AND (n.source = '#person') <> (c.source = '#person')
        AND NOT (c.source = '#person' AND c.given = 0)
        AND n.said_at > coalesce(
            CASE WHEN c.given = 0 AND length(c.said_at) = 10 THEN c.said_at || 'T24'
            ELSE c.said_at END, '')))"""
"""SQL over the send ``s``: a no, a yes that has expired, or only yeses without evidence.

What a person told us themselves and what sources say of the same purpose and channel: the newer counts, but
a person's own no always. A no of a day was said at its end. See `profiles.consents`, which says it of facts.
"""
