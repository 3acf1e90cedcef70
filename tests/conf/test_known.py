"""What is said of nginx's directives: that they are nginx's, and what is had of them in part."""

import subprocess
from pathlib import Path

import pytest
from broken_files import whole
from test_broken import first_error

from surehop.conf.known import MODULES
from surehop.conf.partly import PARTLY
from surehop.lab.subjects import Program

# Of modules that have to be asked for when nginx is built.
_NOT_BUILT = {
    *("addition", "dav", "flv and mp4", "geoip", "gunzip", "gzip_static", "image_filter", "mail"),
    *("perl", "random_index", "slice", "stub_status", "sub", "xslt", "njs"),
    "the commercial edition",
}
# Of earlier releases, of the commercial edition, and of QUIC.
_NOT_THERE = {
    *("fastcgi_cache_purge", "google_perftools_profiles", "health_check", "http3", "http3_hq"),
    *("http3_max_concurrent_streams", "http3_stream_buffer_size", "limit_zone", "match", "ntlm"),
    *("memcached_force_ranges", "proxy_cache_purge", "queue", "quic_bpf", "quic_gso", "quic_retry"),
    *("quic_active_connection_id_limit", "quic_host_key", "scgi_cache_purge", "spdy_chunk_size"),
    *("spdy_headers_comp", "ssl", "state", "sticky_cookie_insert", "upstream_conf"),
    "uwsgi_cache_purge",
}


@pytest.mark.parametrize("name", PARTLY)
def test_what_is_had_in_part_is_not_whole(name: str) -> None:
    partly = PARTLY[name]

    assert first_error(whole(partly.context, partly.sample)) is not None


@pytest.mark.peers
def test_names_are_nginx_s(nginx: Program, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    names = {
        n for module, line in MODULES.items() if module not in _NOT_BUILT for n in line.split()
    }

    assert {name for name in names if not _knows(nginx, tmp_path, name)} == _NOT_THERE


def _knows(nginx: Program, prefix: Path, name: str) -> bool:
    """Whether it calls a directive unknown, or finds another fault with it."""
    (prefix / "nginx.conf").write_text(f"{name};\n")
    command = [*nginx.argv, "-p", str(prefix), "-c", "nginx.conf", "-e", "stderr", "-t"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "[emerg]" in told
    return "unknown directive" not in told
