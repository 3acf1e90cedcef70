"""SH008: a request that changes something may be done twice."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import failed, many, quotes, told
from surehop.doctor.sections import place, remove_word
from surehop.events import Reason

_AFTER_SENDING = {
    *("all-retryable-errors", "empty-response", "junk-response", "response-timeout"),
    *("500", "502", "503", "504", "408"),
}
# By these a server says that it did nothing.
_TURNED_AWAY = {"408", "503"}
_BACKEND = """\
backend app
    timeout connect 5s
    timeout server 30s
    retry-on all-retryable-errors
"""
_SERVER = "    server a 192.0.2.1:80 check\n"
_WORD = "non_idempotent"
# An access log tells no more than BROKEN and TIMED_OUT.
_BEGUN = (Reason.CLOSED, Reason.RESET, Reason.TIMED_OUT, Reason.BROKEN)

ABOUT = About(
    id="SH008",
    name="writes-are-sent-again",
    summary="a POST that failed half-way is sent to the next server",
    symptom="orders, mails or rows that exist twice",
    cause=(
        "a POST whose answer is lost may have been done all the same. nginx passes it on to the"
        " next server only if `proxy_next_upstream` says `non_idempotent`"
    ),
    cure="take `non_idempotent` out; where writes must be retried, let the application know a"
    " repeated one by an Idempotency-Key",
    needs="a configuration, or an access log with `$upstream_addr` and `$upstream_status`",
    examples=(
        Example(
            "server { location / { proxy_pass http://127.0.0.1:3000;"
            " proxy_next_upstream error timeout non_idempotent; } }",
            "server { location / { proxy_pass http://127.0.0.1:3000;"
            " proxy_next_upstream error timeout; } }",
        ),
        Example(
            _BACKEND + _SERVER,
            _BACKEND + "    http-request disable-l7-retry if METH_POST\n" + _SERVER,
            kind="haproxy",
        ),
    ),
)


def _retried(evidence: Evidence) -> Iterator[Finding]:
    """HAProxy's `retry-on` sends again what was sent, whatever the method."""
    for configuration in evidence.haproxy:
        for group in configuration.groups:
            words, where = group.said.get("retry-on", ((), None))
            sent = sorted(_AFTER_SENDING & set(words))
            if not sent or "http-request disable-l7-retry" in group.said:
                continue
            yield ABOUT.found(
                Severity.INFO if _TURNED_AWAY.issuperset(sent) else Severity.WARNING,
                Confidence.HIGH,
                because="the configuration says so, and no `disable-l7-retry` stands beside it",
                title=f"`retry-on {' '.join(words)}` of {group.label} sends a POST again",
                text=f"With {', '.join(f'`{word}`' for word in sent)} HAProxy sends a request again"
                " although the server may have done it.",
                advice="`http-request disable-l7-retry if METH_POST` in this backend",
                subject=f"{group.name} {' '.join(words)}",
                place=where,
            )


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for section in configuration.sections:
            for node in section.own.get("proxy_next_upstream", ()):
                for token in node.args:
                    if token.value.lower() != _WORD:
                        continue
                    yield ABOUT.found(
                        Severity.WARNING,
                        Confidence.HIGH,
                        because="the configuration says so",
                        title="`non_idempotent`: a POST that failed is sent again elsewhere",
                        text=(
                            "When the connection breaks or the time is over after a POST, PATCH or"
                            " LOCK was sent, nobody knows whether it was done. nginx then does it"
                            " again on the next server."
                        ),
                        advice="take `non_idempotent` out",
                        subject=" ".join(node.words),
                        place=place(node, token),
                        fix=(remove_word(place(node, token)),) if len(node.args) > 1 else (),
                    )
    yield from _retried(evidence)
    yield from _logged(evidence)


def _logged(evidence: Evidence) -> Iterator[Finding]:
    """An access log tells of several tries, and some log that one of them was under way."""
    again = [each for each in told(evidence.logs, "retried") if each.write]
    begun = [each for each in failed(evidence.logs, *_BEGUN) if each.write]
    if not again or not begun:
        return
    sure = any(each.reason is not Reason.BROKEN for each in begun)
    yield ABOUT.found(
        Severity.WARNING,
        Confidence.MEDIUM if sure else Confidence.LOW,
        because="the error log says that the first try had been sent"
        if sure
        else "the first try may have been refused, which is harmless: the error log tells",
        title=f"{many(again, 'request')} that write went to more than one server",
        text="If the first server had begun, the request was done twice. nginx passes a POST on"
        " after it was sent only if `proxy_next_upstream` says `non_idempotent`.",
        advice="take `non_idempotent` out, or let the application know a repeated request",
        subject="log retried writes",
        quotes=quotes(again),
    )
