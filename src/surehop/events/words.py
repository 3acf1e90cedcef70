"""The words for what happens to an attempt; they never change.

The engine's table (`crates/engine/src/outcome.rs`) is the original; a test compares the two.
"""

from enum import StrEnum


class Phase(StrEnum):
    """Where an attempt was when something happened."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    HEAD = "head"
    BODY = "body"


class Cause(StrEnum):
    """What went wrong, as the system or the parser said it."""

    NOT_FOUND = "not_found"
    TRY_AGAIN = "try_again"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    ATTEMPT_TIMED_OUT = "attempt_timed_out"
    NO_PORTS = "no_ports"
    NO_ROOM = "no_room"
    CERTIFICATE = "certificate"
    TLS = "tls"
    RESET = "reset"
    CLOSED = "closed"
    INVALID = "invalid"
    TOO_BIG = "too_big"
    STATUS = "status"
    OTHER = "other"


class Party(StrEnum):
    """Who failed."""

    PEER = "peer"
    CONNECTION = "connection"
    CLIENT = "client"
    POLICY = "policy"
    REQUEST = "request"


class Reason(StrEnum):
    """The stable word for one attempt, `$upstream_reason`."""

    PENDING = "pending"
    OK = "ok"
    RESOLVE_FAILED = "resolve_failed"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CONNECT_TIMED_OUT = "connect_timed_out"
    NO_PORTS = "no_ports"
    NO_ROOM = "no_room"
    CONNECT_FAILED = "connect_failed"
    UNTRUSTED = "untrusted"
    TLS_FAILED = "tls_failed"
    REUSED_CLOSED = "reused_closed"
    REUSED_RESET = "reused_reset"
    REUSED_UNSENT = "reused_unsent"
    CLOSED = "closed"
    RESET = "reset"
    BROKEN = "broken"
    SEND_TIMED_OUT = "send_timed_out"
    TIMED_OUT = "timed_out"
    ATTEMPT_TIMED_OUT = "attempt_timed_out"
    INVALID = "invalid"
    TOO_BIG = "too_big"
    STATUS = "status"
    POISON = "poison"
    NO_LIVE = "no_live"
    TRUNCATED = "truncated"
    BODY_TIMED_OUT = "body_timed_out"
    CLIENT_GONE = "client_gone"


class Verdict(StrEnum):
    """What became of the request after the attempt."""

    PENDING = "pending"
    DELIVERED = "delivered"
    NEXT = "next"
    REPLAYED = "replayed"
    FAILED = "failed"
    ABANDONED = "abandoned"


class Rule(StrEnum):
    """What gave the verdict: the name of the directive or of the resilience rule."""

    PLAIN = "plain"
    NEXT_UPSTREAM = "next_upstream"
    NON_IDEMPOTENT = "non_idempotent"
    TRIES = "next_upstream_tries"
    TIMEOUT = "next_upstream_timeout"
    BUFFERING = "request_buffering"
    RETRY = "retry"
    ROUNDS = "rounds"
    RETRY_AFTER = "retry_after"
    ASK = "ask"
    ATTRIBUTION = "attribution"
    PROBE = "probe"
    LAST_PEER = "last_peer"
    IDLE = "idle"
    SENT = "sent"
    BUDGET = "budget"
    POISON = "poison"


class Family(StrEnum):
    """Of an address; whoever reads one knows it, so it is not in `VOCABULARY`."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    UNIX = "unix"


class PeerStatus(StrEnum):
    """Whether requests go to a peer."""

    AVAILABLE = "available"
    EJECTED = "ejected"
    PROBING = "probing"


VOCABULARY: dict[str, type[StrEnum]] = {
    enum.__name__: enum for enum in (Phase, Cause, Party, Reason, Verdict, Rule, PeerStatus)
}
