"""What changes while a soak runs: the groups of the configuration, and the log files."""

import os
import random
import signal

from surehop.lab.soak.faults import Origins
from surehop.lab.subjects import PORT, Subject

VARIABLES = " n=$http_x_number"
_CONFIGURATION = """
client_max_body_size 0;
{groups}
server {{
    listen 127.0.0.1:{port};
    keepalive_requests 100000;
    proxy_connect_timeout 1s;
    proxy_read_timeout 2s;
    proxy_send_timeout 2s;
    location /steady/ {{ proxy_pass http://steady/; proxy_read_timeout 60s; }}
    location /faulty/ {{ proxy_pass http://faulty/; proxy_request_buffering off; }}
    location /status {{ surehop_status; access_log off; }}
}}
"""
# Idle upstream connections go soon, so that descriptors can be compared when all is quiet.
_GROUP = "upstream {name} {{ {servers} keepalive 16; keepalive_timeout 1s; }}\n"


class Changes:
    """Reloads and reopened logs. The first configuration is `http()`, for a Subject."""

    def __init__(self, origins: Origins, seed: int) -> None:
        self._origins = origins
        self._random = random.Random(seed)  # noqa: S311  a soak is to be repeated
        self._rotated = 0
        self.reloads = 0
        self.reopened = 0
        self._now = self._groups()

    def http(self) -> str:
        return _CONFIGURATION.format(groups=self._now, port=PORT)

    def reload(self, subject: Subject) -> None:
        """Add, remove and reweight peers; none is asked that is not there any more."""
        new = self._groups()
        file = subject.prefix / "nginx.conf"
        file.write_text(file.read_text().replace(self._now, new))
        self._now = new
        os.kill(subject.pid, signal.SIGHUP)
        self.reloads += 1

    def reopen(self, subject: Subject) -> None:
        """Rotate the access log."""
        self._rotated += 1
        log = subject.prefix / "logs/access.log"
        log.rename(log.with_name(f"access.log.{self._rotated}"))
        os.kill(subject.pid, signal.SIGUSR1)
        self.reopened += 1

    def _groups(self) -> str:
        rng = self._random
        steady = [origin.port for origin in self._origins.steady]
        some = rng.sample(steady, rng.randint(1, len(steady)))
        lines = "".join(f"server 127.0.0.1:{port} weight={rng.randint(1, 5)}; " for port in some)
        shaky = "".join(
            f"server 127.0.0.1:{origin.port} fail_timeout=1s; " for origin in self._origins.faulty
        )
        return _GROUP.format(name="steady", servers=lines) + _GROUP.format(
            name="faulty", servers=shaky
        )
