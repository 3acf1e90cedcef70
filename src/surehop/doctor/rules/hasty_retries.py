"""SH040: axios-retry sends again at once, which helps nobody who is overloaded."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Line
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import lines, many, quoted

_HASTY = 50  # milliseconds
_LINE = (
    '{{"level":50,"time":1767607200{},"err":{{"code":"ECONNRESET","config":{{"axios-retry":'
    '{{"retries":3,"retryCount":{}}},"url":"http://192.0.2.1/"}},"message":"socket hang up",'
    '"request":{{"reusedSocket":false}}}},"msg":"again"}}\n'
)

ABOUT = About(
    id="SH040",
    name="retries-without-delay",
    summary="axios-retry sends a failed request again without waiting",
    symptom="three more failures within milliseconds of the first, `retryCount` 1, 2, 3",
    cause="axios-retry has no delay unless `retryDelay` is given; a server that has too many"
    " connections, or is just restarting, is in the same state a millisecond later",
    cure="`retryDelay: axiosRetry.exponentialDelay`",
    needs="a log of an application that logs axios's errors with their `config`, at each retry",
    examples=(
        Example(
            _LINE.format("010", 1) + _LINE.format("014", 2) + _LINE.format("017", 3),
            _LINE.format("010", 1) + _LINE.format("250", 2) + _LINE.format("700", 3),
            kind="application log",
        ),
    ),
    scenario="retry-storm",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    tallies = [each for each in evidence.logs.tallies if each.software == "axios-retry"]
    every = lines(tallies)
    hasty = [each for each in every if any(_follows(each, before) for before in every)]
    later = [each for each in every if each.tries > 1]
    # Where most are over with the second try, as in the keep-alive race, it was right to be quick.
    first = len(every) - len(later)
    if not hasty or len(hasty) * 2 < max(first, len(later)):
        return
    yield ABOUT.found(
        Severity.WARNING,
        Confidence.HIGH,
        because="the times of the tries stand in the log",
        title=f"axios-retry does not wait between tries, {many(tallies, 'failure')}",
        text="A request that failed was sent again within milliseconds, and failed again. Retries"
        " that do not wait only add to what the server can't bear.",
        advice="`axiosRetry(client, { retryDelay: axiosRetry.exponentialDelay })`",
        subject="log axios-retry",
        quotes=quoted(every),
    )


def _follows(line: Line, before: Line) -> bool:
    return (
        line.tries == before.tries + 1
        and line.upstream == before.upstream
        and 0 <= line.at_ms - before.at_ms < _HASTY
    )
