"""What happens, in records and in words: the vocabulary of every log, metric and finding."""

from surehop.events.attempt import AddressResult, Attempt, Family, attempts_from_json
from surehop.events.evidence import Evidence
from surehop.events.words import (
    VOCABULARY,
    Cause,
    Party,
    PeerStatus,
    Phase,
    Reason,
    Rule,
    Verdict,
)

__all__ = [
    "VOCABULARY",
    "AddressResult",
    "Attempt",
    "Cause",
    "Evidence",
    "Family",
    "Party",
    "PeerStatus",
    "Phase",
    "Reason",
    "Rule",
    "Verdict",
    "attempts_from_json",
]
