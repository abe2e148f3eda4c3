"""The app: which path is answered by what."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise.server import api, openapi, report, static
from digitwise.server.metrics import Metrics
from digitwise.server.problems import HANDLERS
from digitwise.server.security import Guard
from digitwise.server.service import Service
from digitwise.server.settings import Settings
from digitwise.server.watch import Watch


def application(settings: Settings, metrics: Metrics | None = None) -> Starlette:
    """Make the app that answers; the model is loaded here.

    Parameters
    ----------
    settings : Settings
    metrics : Metrics, optional
        Where there are several processes: of this one.

    Raises
    ------
    ModelError, DataError
        As making a :class:`Service` does.
    """
    service = Service(settings, metrics)
    routes = [*api.routes(service), *static.routes(), static.page("docs.html"), _openapi(service), _metrics(service)]
    routes.append(Route("/healthz", health))
    if settings.report is not None:
        routes.append(report.route(settings.report))
    middleware = [
        Middleware(Watch, routes=routes, metrics=service.metrics),
        Middleware(Guard, token=settings.token, loopback=settings.loopback),
    ]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=HANDLERS, lifespan=service.running)
    app.router.redirect_slashes = False  # a path is there or not
    return app


async def health(_: Request) -> Response:
    """Whether the server answers."""
    return Response(b'{"status":"ok"}', media_type="application/json")


def _openapi(service: Service) -> Route:
    content = json.dumps(openapi.document(service))

    async def description(_: Request) -> Response:
        return Response(content, media_type="application/json")

    return Route("/openapi.json", description)


def _metrics(service: Service) -> Route:
    async def metrics(_: Request) -> Response:
        return Response(service.metrics.text(service.sha256), media_type="text/plain; version=0.0.4")

    return Route("/metrics", metrics)
