"""What happens, in records and in words: the vocabulary of every log, metric and finding."""

from surehop.face import face

TYPE_CHECKING = False  # as checkers know it: `typing` would take longer than all of this
if TYPE_CHECKING:
    from surehop.events.attempt import (
        AddressResult as AddressResult,
        Attempt as Attempt,
        attempts_from_json as attempts_from_json,
    )
    from surehop.events.evidence import Evidence as Evidence
    from surehop.events.words import (
        VOCABULARY as VOCABULARY,
        Cause as Cause,
        Family as Family,
        Party as Party,
        PeerStatus as PeerStatus,
        Phase as Phase,
        Reason as Reason,
        Rule as Rule,
        Verdict as Verdict,
    )
else:
    # Records are dataclasses, which take their time: who needs words alone does not wait for them.
    __getattr__, __all__ = face(
        __name__,
        {
            "surehop.events.attempt": "AddressResult Attempt attempts_from_json",
            "surehop.events.evidence": "Evidence",
            "surehop.events.words": (
                "VOCABULARY Cause Family Party PeerStatus Phase Reason Rule Verdict"
            ),
        },
    )
