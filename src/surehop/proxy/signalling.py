"""`-s`: says something to the process that the pid file names."""

import os
import signal
from pathlib import Path

from surehop.proxy.journal import Journal
from surehop.proxy.options import Options, model_of

SIGNALS = {
    "stop": signal.SIGTERM,
    "quit": signal.SIGQUIT,
    "reopen": signal.SIGUSR1,
    "reload": signal.SIGHUP,
}


def send_signal(options: Options, word: str, journal: Journal) -> bool:
    """Sends it; False if nobody is there, which the journal tells. Raises ConfigErrors."""
    model = model_of(options)
    journal.write("notice", "signal process started")
    path = model.absolute(model.pid)
    try:
        text = Path(path).read_bytes().rstrip(b"\r\n").decode("latin-1")
    except OSError as e:
        journal.write("error", f'open() "{path}" failed ({e.errno}: {e.strerror})')
        return False
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        journal.write("error", f'invalid PID number "{text}" in "{path}"')
        return False
    number = SIGNALS[word]
    try:
        os.kill(int(text), number)
    except (OSError, OverflowError) as e:
        told = f"{e.errno}: {e.strerror}" if isinstance(e, OSError) else "3: No such process"
        journal.write("alert", f"kill({text}, {number.value}) failed ({told})")
        return False
    return True
