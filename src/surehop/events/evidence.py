"""What is known of a request that failed: what an exception carries."""

from dataclasses import dataclass

from surehop.events.attempt import AddressResult, Attempt
from surehop.events.words import Cause, Phase, Reason, Rule


@dataclass(frozen=True, slots=True)
class Evidence:
    """The last attempt, and all before it. Times are seconds.

    `code` is Node's word. `addresses` are all that were tried, each with its own result. `reused`
    and `requests` tell whether the connection had carried requests before, and how many; `age`
    how old it was, `idle` how long it had rested, `hint` what the server had last said of its
    time-out. Bytes are those that the kernel took and those received. `closed` is `FIN` or `RST`.
    `rule` is what ended it: why it was not sent again.
    """

    code: str | None = None
    phase: Phase | None = None
    cause: Cause | None = None
    reason: Reason | None = None
    rule: Rule | None = None
    errno: int | None = None
    addresses: tuple[AddressResult, ...] = ()
    local: str | None = None
    remote: str | None = None
    reused: bool = False
    requests: int = 0
    age: float = 0.0
    idle: float = 0.0
    hint: float | None = None
    bytes_sent: int = 0
    bytes_received: int = 0
    closed: str | None = None
    attempts: tuple[Attempt, ...] = ()
