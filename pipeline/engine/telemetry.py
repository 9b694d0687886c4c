"""Tell over HTTP how the service does, and let its stores be asked.

``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for whoever keeps it running, and
``POST /query``, ``/process``, ``/reprice`` and ``/adopt`` for the command line, which cannot open a
store's file while we have it.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from ..core.component import Readable
from ..core.counters import METRICS, Counters
from ..core.errors import Permanent, Retryable
from .adopt_site import AdoptSite
from .process_site import ProcessSite
from .queries import Limits, Queries
from .refusals import refuse, refuse_for, refuse_stranger
from .sessions.engine import SessionEngine

ARROW_STREAM = "application/vnd.apache.arrow.stream"

_TOKEN_BYTES = 32
_CHUNK_BYTES = 256 * 1024

# Queries have been interrupted when the site stops; this is for answers still being sent.
_FLUSH_S = 1.0

_PATHS = "GET /metrics, /healthz or /readyz, or POST /query, /process, /reprice or /adopt"


@dataclass(frozen=True, slots=True)
class View:
    """What the site shows of a service."""

    counters: Counters
    troubles: Callable[[], list[str]]
    """What keeps the service from being ready, in sentences."""
    stores: Mapping[str, Readable]
    engines: Mapping[str, SessionEngine] = field(default_factory=dict)
    """What runs session-scope processors, by the ids of their stores."""
    warnings: Callable[[], list[str]] = list
    """What is in trouble although the service is ready, in sentences."""


class TelemetrySite:
    """The service's own HTTP site, on a port of its own."""

    def __init__(self, host: str, port: int, limits: Limits | None = None) -> None:
        """Note where to listen; port 0 takes any that is free."""
        self._host = host
        self._limits = limits or Limits()
        self._queries: Queries | None = None
        self._asked_port = port
        self._port = port
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._runner: web.AppRunner | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - told apart, not bound
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    @property
    def token(self) -> str:
        """What every POST is asked for; another one at each start."""
        return self._token

    async def start(self, view: View) -> None:
        """Listen. Raises Permanent if the port is taken."""
        self._queries = Queries(self._limits)
        site = _Site(view, self._token, self._queries, self._limits.timeout_s)
        runner = web.AppRunner(
            site.application(),
            access_log=None,
            # A client that leaves cancels its query.
            handler_cancellation=True,
            shutdown_timeout=_FLUSH_S,
        )
        await runner.setup()
        self._runner = runner
        try:
            await web.TCPSite(runner, self._host, self._asked_port).start()
        except OSError as error:
            await self.stop()
            raise Permanent(
                f"telemetry: cannot listen on {self._host}:{self._asked_port}: "
                f"{error.strerror}. Set service.telemetry.endpoint to another port, or to null.",
                reason="address_in_use",
            ) from error
        self._port = int(runner.addresses[0][1])

    async def stop(self) -> None:
        """Close. Safe without start, and twice."""
        queries, self._queries = self._queries, None
        if queries is not None:
            await queries.stop()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


class _Site:
    def __init__(self, view: View, token: str, queries: Queries, send_timeout_s: float) -> None:
        self._view = view
        self._token = token
        self._queries = queries
        self._send_timeout_s = send_timeout_s
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Numbers(view.counters))

    def application(self) -> web.Application:
        application = web.Application(middlewares=[_answer_strangers])
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._healthz)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_post("/query", self._query)
        ProcessSite(self._view.engines, self._token).add_to(application)
        AdoptSite(self._view.stores, self._token).add_to(application)
        return application

    async def _metrics(self, _request: web.Request) -> web.Response:
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        troubles = self._view.troubles()
        status = "not ready" if troubles else "ready"
        answer = {"status": status, "reasons": troubles}
        if warnings := self._view.warnings():
            answer["warnings"] = warnings
        return web.json_response(answer, status=503 if troubles else 200)

    async def _query(self, request: web.Request) -> web.StreamResponse:
        refusal = refuse_stranger(request, self._token)
        if refusal is not None:
            return refusal
        try:
            store, sql = self._question(await request.read())
            async with self._queries.answer(store, sql) as answer:
                return await self._send(request, answer)
        except (Permanent, Retryable) as error:
            return refuse_for(error)

    async def _send(self, request: web.Request, answer: memoryview) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": ARROW_STREAM})
        response.content_length = len(answer)
        await response.prepare(request)
        try:
            async with asyncio.timeout(self._send_timeout_s):
                for start in range(0, len(answer), _CHUNK_BYTES):
                    await response.write(answer[start : start + _CHUNK_BYTES])
        except TimeoutError:
            # The status is on its way already: only a cut can still say that this is not all.
            if request.transport is not None:
                request.transport.abort()
        return response

    def _question(self, body: bytes) -> tuple[Readable, str]:
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or not isinstance(asked.get("sql"), str):
            raise Permanent(
                'query: the body is not a question. Send JSON such as {"sql": "SELECT 1"}.',
                reason="bad_query",
            )
        return self._store(asked.get("exporter")), asked["sql"]

    def _store(self, name: object) -> Readable:
        stores = self._view.stores
        if name is None and len(stores) == 1:
            return next(iter(stores.values()))
        if isinstance(name, str) and name in stores:
            return stores[name]
        known = ", ".join(sorted(stores)) or "none of the exporters can be read"
        raise Permanent(
            f"query: name the store to ask as exporter. Known: {known}.", reason="bad_query"
        )


class _Numbers(Collector):
    """Hand the counters to prometheus_client, which adds ``_total`` to those that only grow."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterable[Metric]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for metric in METRICS:
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            families[metric.name] = family(metric.name, metric.help, labels=metric.labels)
        for metric, values, value in self._counters.samples():
            family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            if metric.name not in families:
                families[metric.name] = family(metric.name, metric.help, labels=metric.labels)
            families[metric.name].add_metric(values, value)
        return families.values()


@web.middleware
async def _answer_strangers(request: web.Request, handler: Any) -> web.StreamResponse:
    """Answer in JSON what aiohttp refuses by itself, and name the paths there are."""
    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPNotFound:
        return refuse(404, f"{request.path}: no such path. {_PATHS}.")
    except web.HTTPMethodNotAllowed as error:
        refusal = refuse(405, f"{request.method} {request.path}: not this way. {_PATHS}.")
        refusal.headers["Allow"] = error.headers["Allow"]
        return refusal
    except web.HTTPException as error:
        return refuse(error.status, f"{request.path}: {error.text}.")
    return response
