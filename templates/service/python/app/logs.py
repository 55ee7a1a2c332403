"""Logs as JSON: one object a line, on standard output."""

import json
import logging
from datetime import datetime, timezone

QUIET_PATHS = ("/healthz", "/metrics")


class JsonFormatter(logging.Formatter):
    """Makes one line of a record; a traceback goes into it as a field."""

    def format(self, record):
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "logger": record.name,
            **getattr(record, "fields", {}),
        }
        if record.name == "uvicorn.access":
            client, method, path, _, status = record.args
            line |= {"message": f"{method} {path} {status}", "client": client, "method": method, "path": path, "status": status}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class QuietProbes(logging.Filter):
    """Leaves out the requests of probes and of Prometheus as long as they are answered well: they come every few seconds."""

    def filter(self, record):
        _, _, path, _, status = record.args
        return path not in QUIET_PATHS or status >= 400


def configuration(level):
    """What logging.config.dictConfig takes. A level that doesn't exist is read as info."""
    level = level.upper() if level.upper() in ("DEBUG", "INFO", "WARNING", "ERROR") else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "app.logs.JsonFormatter"}},
        "filters": {"probes": {"()": "app.logs.QuietProbes"}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        "root": {"handlers": ["stdout"], "level": level},
        "loggers": {"uvicorn.access": {"filters": [] if level == "DEBUG" else ["probes"], "level": level}},
    }
