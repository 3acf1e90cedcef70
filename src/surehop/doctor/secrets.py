"""Passwords, tokens and cookies in what is quoted: a report is read by others than a log is."""

import re
from functools import cache, lru_cache

from surehop.doctor.finding import Finding
from surehop.doctor.probing.sheet import Sheet

# Every repetition has a bound: a line may be long, and made by anybody.
_NAME = (
    r"[\w.%-]{0,40}?(?:token|secret|passw(?:or)?d|passphrase|pwd|credentials?|signature|jwt"
    r"|(?:api|access|private)[-_]?key|sess(?:ion)?[-_]?id|[._]sid|_session)"
)
_SHORT = "pass|key|auth|authorization|sig|sid|otp|code|session"  # elsewhere they are words
_IS = r"\\?[\"']?\s{0,4}[:=]\s{0,4}"
_QUOTED = r"(?P<quote>\\?[\"'])(?:(?!(?P=quote)).){1,4096}"
_LOOKS = (
    r"eyJ[\w-]{8,4096}\.[\w-]{8,4096}\.[\w-]{0,4096}",  # a JSON Web Token
    r"gh[opsru]_\w{20,255}|github_pat_\w{20,255}|glpat-[\w-]{16,255}",
    r"xox[abprs]-[\w-]{10,255}|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{35}|sk_(?:live|test)_\w{10,255}",
)
_NAMES = ["token", "secret", "passw", "passphrase", "pwd", "credential", "signature", "jwt"]
# Words without which there is none; what tells that a secret follows; and the secret.
_SECRETS = (
    (["@"], r"://|`(?=[^\s/@`]{1,256}:)", r"[^\s/\"'<>@`]{1,256}(?=@)"),  # user:password@host
    (["="], rf"[?&;](?:{_NAME}|{_SHORT})=", r"[^\s&;#\"'<>`]+"),
    (["cookie"], rf"\b(?:set-)?cookie{_IS}", rf"{_QUOTED}|[^\s\"'][^\"'\n]*"),
    (
        ["authorization"],
        rf"\b(?:proxy-)?authorization{_IS}",
        rf"{_QUOTED}|(?:[a-z]{{3,20}}\s)?[^\s,;\"'}}]+",
    ),
    ([*_NAMES, "key", "sess", "sid"], rf"\b{_NAME}{_IS}", rf"{_QUOTED}|[^\s,;&\"'}})]+"),
    (["bearer", "basic"], r"\b(?:bearer|basic)\s", r"[\w.~+/=-]{8,4096}"),
    (["eyj", "gh", "glpat-", "xox", "akia", "asia", "aiza", "sk_"], r"\b", "|".join(_LOOKS)),
)


@lru_cache  # findings share a file, and an advice
def masked(text: str) -> str:
    """Give the text with `***` where a secret stood."""
    low = text.lower()
    for words, before, secret in _SECRETS:
        if any(map(low.__contains__, words)):
            text = _pattern(before, secret).sub(_mask, text)
    return text


def discreet(finding: Finding) -> Finding:
    """Give the finding without the secrets in its words; its edits are those of the user's file."""
    return finding._replace(
        title=masked(finding.title),
        text=masked(finding.text),
        because=masked(finding.because),
        advice=masked(finding.advice),
        quotes=tuple(
            each._replace(file=masked(each.file), text=masked(each.text)) for each in finding.quotes
        ),
    )


def discreet_sheet(sheet: Sheet) -> Sheet:
    """Give the sheet without the secrets in its URL."""
    return sheet._replace(hop=sheet.hop._replace(target=masked(sheet.hop.target)))


@cache
def _pattern(before: str, secret: str) -> re.Pattern[str]:
    """Made when there may be such a secret: most runs need few of them."""
    return re.compile(rf"(?P<before>{before})(?:{secret})", re.IGNORECASE)


def _mask(found: re.Match[str]) -> str:
    return f"{found['before']}{found.groupdict().get('quote') or ''}***"
