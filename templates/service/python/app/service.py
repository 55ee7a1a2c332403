"""What the service answers."""

import logging
import os
import time

import redis.asyncio
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from redis.exceptions import RedisError

NAME = os.environ.get("SERVICE_NAME", "service")
VERSION = os.environ.get("SERVICE_VERSION", "development")

log = logging.getLogger("app")
requests = Counter("http_requests_total", "Requests answered.", ["method", "path", "status"])
duration = Histogram("http_request_duration_seconds", "How long requests took.", ["method", "path"])

app = FastAPI(title=NAME, version=VERSION)


def connect(url):
    """A Redis that answers within a second or counts as away; None where the service has none."""
    return redis.asyncio.from_url(url, socket_timeout=1, socket_connect_timeout=1) if url else None


store = connect(os.environ.get("REDIS_URL"))


@app.middleware("http")
async def measure(request: Request, call_next):
    started = time.monotonic()
    response = await call_next(request)
    # The route's own path, not what was typed: otherwise every typed path would become a series of its own.
    route = request.scope.get("route")
    path = route.path if route else "unknown"
    requests.labels(request.method, path, response.status_code).inc()
    duration.labels(request.method, path).observe(time.monotonic() - started)
    return response


@app.get("/")
async def index():
    answer = {"service": NAME, "version": VERSION}
    if store:
        answer["hits"] = await count_hit()
    return answer


async def count_hit():
    """How often `/` was asked, or None while Redis is away."""
    try:
        return await store.incr("hits")
    except (RedisError, OSError) as error:
        log.warning("Redis didn't count the hit", extra={"fields": {"error": str(error)}})
        return None


@app.get("/healthz")
async def healthz():
    """200 as long as the process can serve: restarting it wouldn't bring back a Redis that is away."""
    return {"status": "ok", "redis": await redis_state()}


async def redis_state():
    if not store:
        return "none"
    try:
        await store.ping()
        return "ok"
    except (RedisError, OSError):
        return "away"


@app.get("/metrics")
async def metrics():
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
