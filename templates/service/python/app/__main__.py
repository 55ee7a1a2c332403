"""Starts the service: `python3 -m app`."""

import os

import uvicorn

from app import logs
from app.service import app

# uvicorn stops on SIGTERM: it takes no new connections and finishes the requests that it has.
uvicorn.run(
    app,
    host="0.0.0.0",
    port=int(os.environ.get("PORT", "8080")),
    log_config=logs.configuration(os.environ.get("LOG_LEVEL", "info")),
    server_header=False,
)
