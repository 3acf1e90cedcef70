"""What `-v`, `-V` and `-h` say: which nginx this stands for, and what of it is in."""

from surehop import __version__
from surehop.conf.table import TABLE
from surehop.plan.building import NGINX_VERSION

CONFIGURATION = "conf/nginx.conf"

VERSION = f"nginx version: nginx/{NGINX_VERSION} (surehop {__version__})"

USAGE = f"""\
Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]
             [--resolve name=address[,address...]]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: ./)
  -e filename   : set error log file (default: stderr)
  -c filename   : set configuration file (default: {CONFIGURATION})
  -g directives : set global directives out of configuration file
  --resolve ... : answer a name with these addresses (IPv6 in brackets); may be repeated
"""

# A module is in if a directive is that can't work without it.
_BUILT_BY_DEFAULT = {
    "http_charset_module": "charset",
    "http_gzip_module": "gzip",
    "http_ssi_module": "ssi",
    "http_userid_module": "userid",
    "http_access_module": "allow",
    "http_auth_basic_module": "auth_basic",
    "http_mirror_module": "mirror",
    "http_autoindex_module": "autoindex",
    "http_geo_module": "geo",
    "http_map_module": "map",
    "http_split_clients_module": "split_clients",
    "http_referer_module": "valid_referers",
    "http_rewrite_module": "rewrite",
    "http_proxy_module": "proxy_pass",
    "http_fastcgi_module": "fastcgi_pass",
    "http_uwsgi_module": "uwsgi_pass",
    "http_scgi_module": "scgi_pass",
    "http_grpc_module": "grpc_pass",
    "http_memcached_module": "memcached_pass",
    "http_limit_conn_module": "limit_conn",
    "http_limit_req_module": "limit_req",
    "http_empty_gif_module": "empty_gif",
    "http_browser_module": "ancient_browser",
    "http_upstream_hash_module": "hash",
    "http_upstream_ip_hash_module": "ip_hash",
    "http_upstream_least_conn_module": "least_conn",
    "http_upstream_random_module": "random",
    "http_upstream_keepalive_module": "keepalive",
    "http_upstream_zone_module": "zone",
    "http_upstream_sticky_module": "sticky",
    "http-cache": "proxy_cache",
    "pcre": "rewrite",
}
_ON_REQUEST = {
    "http_ssl_module": "ssl_certificate",
    "http_v2_module": "http2",
    "http_realip_module": "set_real_ip_from",
    "http_addition_module": "addition_types",
    "http_sub_module": "sub_filter",
    "http_gunzip_module": "gunzip",
    "http_gzip_static_module": "gzip_static",
    "http_auth_request_module": "auth_request",
    "http_random_index_module": "random_index",
    "http_secure_link_module": "secure_link",
    "http_slice_module": "slice",
    "http_stub_status_module": "stub_status",
}


def configure_arguments() -> str:
    """What this is built with, in the words of nginx's `configure`."""
    without = [f"--without-{name}" for name, word in _BUILT_BY_DEFAULT.items() if word not in TABLE]
    present = [f"--with-{name}" for name, word in _ON_REQUEST.items() if word in TABLE]
    return " ".join(
        [
            "--prefix=.",
            f"--conf-path={CONFIGURATION}",
            "--error-log-path=stderr",
            *present,
            *without,
        ]
    )
