"""Logs of the model -> log files, each once, and what is written into them."""

from surehop.conf import model
from surehop.conf.address import socket_text
from surehop.conf.syslog import Syslog
from surehop.conf.templates import Text
from surehop.errors import ConfigError
from surehop.plan import recording
from surehop.plan.resolving import Resolver


class Logs:
    """`errors` are names not found."""

    def __init__(self, source: model.Model, resolve: Resolver) -> None:
        self._source = source
        self._resolve = resolve
        self._formats = {form.name: at for at, form in enumerate(source.formats)}
        # nginx keeps one buffer a file, also for lines of logs that ask for none
        self._buffers = {
            source.absolute(path): recording.Buffering(each.size, each.flush_ms, each.gzip)
            for path, each in source.log_files
            if each
        }
        self._files: dict[recording.LogFile, int] = {}
        self._caches: dict[recording.LogCache, int] = {}
        self.errors: list[ConfigError] = []

    def files(self) -> tuple[recording.LogFile, ...]:
        """Give all files, also those that nobody writes to: nginx makes them."""
        written = {file.path for file in self._files}
        named = [self._source.absolute(path) for path, _ in self._source.log_files]
        idle = (recording.LogFile(path) for path in dict.fromkeys(named) if path not in written)
        return (*self._files, *idle)

    def caches(self) -> tuple[recording.LogCache, ...]:
        return tuple(self._caches)

    def error_log(self, logs: tuple[model.ErrorLog, ...]) -> tuple[recording.ErrorLog, ...]:
        return tuple(
            recording.ErrorLog(self._file(log.path, log.syslog), log.level) for log in logs
        )

    def access_log(
        self, logs: tuple[model.AccessLog, ...], cache: model.LogCache | None
    ) -> tuple[recording.AccessLog, ...]:
        return tuple(self._access(log, log.path, cache) for log in logs if log.path is not None)

    def _access(
        self, log: model.AccessLog, path: str, cache: model.LogCache | None
    ) -> recording.AccessLog:
        file, opened = None, None
        if log.template:
            prefix = () if path.startswith("/") else (Text(self._source.absolute("") + "/"),)
            opened = recording.LogPath((*prefix, *log.template), self._cache(cache))
        else:
            file = self._file(path, log.syslog, buffered=True)
        return recording.AccessLog(file, opened, self._formats[log.format], log.condition)

    def _cache(self, cache: model.LogCache | None) -> int | None:
        if cache is None:
            return None
        made = recording.LogCache(cache.max, cache.inactive_s, cache.valid_s, cache.min_uses)
        return self._caches.setdefault(made, len(self._caches))

    def _file(self, path: str, syslog: Syslog | None, *, buffered: bool = False) -> int:
        if syslog:
            found = recording.LogFile(path, syslog=self._syslog(syslog))
        elif path == "stderr" and not buffered:
            found = recording.LogFile(path)
        else:
            path = self._source.absolute(path)
            found = recording.LogFile(path, self._buffers.get(path) if buffered else None)
        return self._files.setdefault(found, len(self._files))

    def _syslog(self, syslog: Syslog) -> recording.Syslog:
        server = syslog.server
        address = server.literal
        if address is None:
            found = self._resolve(server.host)
            if found:
                address = socket_text(found[0], server.port)
            else:
                self.errors.append(syslog.not_found())
        return recording.Syslog(
            address=address or "",
            priority=8 * syslog.facility + syslog.severity,
            tag=syslog.tag,
            hostname=syslog.hostname,
        )
