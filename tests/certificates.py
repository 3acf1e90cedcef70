"""Certificates made on the spot."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Files:
    """A root, and a server's certificate for `localhost` and 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.root, self.chain, self.key = folder / "root.pem", folder / "a.pem", folder / "a.key"
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("missing: openssl")
        new: list[str | Path] = [
            openssl,
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ]
        new += ["-nodes", "-days", "2"]
        root = [*new, "-subj", "/CN=root", "-keyout", folder / "root.key", "-out", self.root]
        subprocess.run(root, check=True, capture_output=True)
        leaf = [*new, "-subj", "/CN=a", "-keyout", self.key, "-out", self.chain]
        leaf += ["-CA", self.root, "-CAkey", folder / "root.key"]
        leaf += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        leaf += ["-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(leaf, check=True, capture_output=True)
