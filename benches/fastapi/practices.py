"""What every request meets: ids, logs, metrics, limits, headers, and one form of error.

A practice is what it does before a request and after its answer has begun. It is put around the
application either as plain ASGI middleware or as the usual `BaseHTTPMiddleware`.
"""

import asyncio
import logging
import os
import sys
import time
import uuid
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Protocol

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stores import RateLimit, settings

request_id: ContextVar[str] = ContextVar("request_id", default="")


class Practice(Protocol):
    async def before(self, scope: Scope) -> Response | None:
        """May answer by itself."""

    def after(self, scope: Scope, status: int, headers: MutableHeaders) -> None:
        """May add headers."""


class Plain:
    """A practice as plain ASGI middleware."""

    def __init__(self, app: ASGIApp, practice: Practice) -> None:
        self.app, self.practice = app, practice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.practice.after(scope, message["status"], MutableHeaders(scope=message))
            await send(message)

        refusal = await self.practice.before(scope)
        await (refusal or self.app)(scope, receive, answer)


class Usual(BaseHTTPMiddleware):
    """The same as most applications have it."""

    def __init__(self, app: ASGIApp, practice: Practice) -> None:
        super().__init__(app)
        self.practice = practice

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await self.practice.before(request.scope) or await call_next(request)
        self.practice.after(request.scope, response.status_code, response.headers)
        return response


# --- Logs and metrics


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "timestamp": record.created,
            "level": record.levelname,
            "target": record.name,
            "request_id": request_id.get(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def set_up_logs() -> logging.Logger:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # Found by walking up the stack, for every line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = logging.logAsyncioTasks = False
    return logging.getLogger("http")


log = set_up_logs()
LABELS = ["method", "route", "status"]
REQUESTS = Counter("http_requests_total", "Requests that were answered", LABELS)
DURATION = Histogram("http_request_duration_seconds", "Time to the beginning of the answer", LABELS[:2])
IN_FLIGHT = Gauge("http_requests_in_flight", "Requests that wait for their answer", multiprocess_mode="livesum")
REFUSED = Counter("rate_limit_refusals_total", "Requests that were answered with 429")


def metrics() -> bytes:
    """Of all workers."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return generate_latest(registry)


class Observe:
    """An id, a log line and a set of measurements for each request."""

    async def before(self, scope: Scope) -> None:
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        fit = 0 < len(given) <= 128 and given.isascii() and given.isprintable() and " " not in given
        scope["request_id"] = given if fit else str(uuid.uuid4())
        request_id.set(scope["request_id"])
        scope["begun"] = time.perf_counter()
        IN_FLIGHT.inc()

    def after(self, scope: Scope, status: int, headers: MutableHeaders) -> None:
        elapsed = time.perf_counter() - scope["begun"]
        # Paths are the client's to choose: as labels they would never end.
        route = getattr(scope.get("route"), "path", "unmatched")
        IN_FLIGHT.dec()
        REQUESTS.labels(scope["method"], route, status).inc()
        DURATION.labels(scope["method"], route).observe(elapsed)
        headers.raw.append((b"x-request-id", scope["request_id"].encode()))
        if not route.startswith("/health"):
            fields = {"method": scope["method"], "route": route, "status": status}
            log.info("request", extra={"fields": {**fields, "latency_ms": round(elapsed * 1000, 3)}})


# --- Headers and limits


class SecurityHeaders:
    """Keep a browser from doing what nobody asked for."""

    HEADERS = [
        (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"x-xss-protection", b"0"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
        (b"referrer-policy", b"no-referrer"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]

    async def before(self, scope: Scope) -> None:
        pass

    def after(self, scope: Scope, status: int, headers: MutableHeaders) -> None:
        headers.raw.extend(self.HEADERS)


class Limit:
    """The rate of each client."""

    def __init__(self) -> None:
        self.rate = RateLimit(settings.rate_limit_per_minute)
        self.policy = f'"default";q={settings.rate_limit_per_minute};w=60'.encode()

    async def before(self, scope: Scope) -> Response | None:
        scope["left"] = left = await self.rate.take(scope["client"][0])
        if left is None:
            REFUSED.inc()
            return problem(429, "The rate limit is used up.", {"retry-after": "1"})
        return None

    def after(self, scope: Scope, status: int, headers: MutableHeaders) -> None:
        headers.raw.append((b"ratelimit", b'"default";r=%d;t=1' % (scope["left"] or 0)))
        headers.raw.append((b"ratelimit-policy", self.policy))


class Deadline:
    """Answers 504 when a handler takes too long. It has to be around the call, so it is plain in any case."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(settings.request_timeout):
                await self.app(scope, receive, send)
        except TimeoutError:
            await problem(504, "The request took longer than the service allows.")(scope, receive, send)


# --- Errors


def problem(status: int, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body |= {"request_id": request_id.get(), **more}
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


async def refused(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    return problem(error.status_code, str(error.detail), headers, instance=request.url.path)


async def invalid(request: Request, error: RequestValidationError) -> Response:
    faults = [
        {"pointer": "/" + "/".join(map(str, fault["loc"][1:])), "detail": fault["msg"], "code": fault["type"]}
        for fault in error.errors()
    ]
    return problem(422, "The request has invalid values.", instance=request.url.path, errors=faults)


async def failed(request: Request, error: Exception) -> Response:
    log.error("failed", exc_info=error)
    return problem(500, "The service failed to answer.", instance=request.url.path)


def surround(app: FastAPI) -> None:
    """Puts it all around the application, the innermost first."""
    around = {"asgi": Plain, "base": Usual}[settings.middleware]
    app.add_middleware(Deadline)
    app.add_middleware(around, practice=Limit())
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["*"])
    app.add_middleware(around, practice=SecurityHeaders())
    app.add_middleware(around, practice=Observe())
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, failed)
