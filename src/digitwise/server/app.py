"""The app: one table with the handler, the access and the OpenAPI description of each path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digitwise.server import handlers, openapi
from digitwise.server.prometheus import Metrics, RequestCounter
from digitwise.server.refusals import HANDLERS, Guard
from digitwise.server.service import Service, Settings, service_of


@dataclass(frozen=True)
class Endpoint:
    """A path of the server.

    Parameters
    ----------
    path : str
        In Starlette's form; without the types of its parameters it is also the name in the metrics.
    answer : async function of a Request to a Response
    operation : function of a Service to a dict, optional
        Its OpenAPI description; None for pages, files and the description itself, which are not part of the API.
    method : {"GET", "POST"}
    open : bool
        Whether it needs no token.
    offered : function of Settings to bool
        Whether a server with these settings has it. Paths of the API exist in any case, and answer what is missing.
    """

    path: str
    answer: Callable[[Request], Awaitable[Response]]
    operation: Callable[[Service], openapi.Document] | None = None
    method: str = "GET"
    open: bool = False
    offered: Callable[[Settings], bool] = lambda _: True

    def route(self) -> Route:
        """The Starlette route."""
        return Route(self.path, self.answer, methods=[self.method])


async def description(request: Request) -> Response:
    """The OpenAPI document."""
    service = service_of(request)
    paths = {}
    for entry in TABLE:
        if entry.operation is not None and entry.offered(service.settings):
            operation = entry.operation(service)
            closed = service.settings.token is not None and not entry.open
            paths[entry.path] = {entry.method.lower(): openapi.with_token(operation) if closed else operation}
    return handlers.answer(openapi.document(service, paths))


MODEL = openapi.getting("What the model is", "Model", tag="model")
SERVICE = openapi.getting("What this server offers, and its limits", "Service", tag="service")
HEALTH = openapi.getting("Whether it answers", "Health", tag="service")

TABLE = (
    Endpoint("/", handlers.page("index.html"), open=True),
    Endpoint("/static/{name:path}", handlers.file, open=True),
    Endpoint("/docs", handlers.page("docs.html"), open=True),
    Endpoint("/openapi.json", description, open=True),
    Endpoint("/report", handlers.report, offered=lambda settings: settings.report is not None),
    Endpoint("/v1/read", handlers.read, openapi.read, "POST"),
    Endpoint("/v1/read/numbers", handlers.numbers, openapi.numbers, "POST"),
    Endpoint("/v1/model", handlers.model, MODEL),
    Endpoint("/v1/service", handlers.about, SERVICE, open=True),  # a page asks it before it can know about the token
    Endpoint("/healthz", handlers.health, HEALTH, open=True),
    Endpoint("/metrics", handlers.metrics, openapi.metrics),
    Endpoint(
        "/v1/collect", handlers.collect, openapi.collect, "POST", offered=lambda settings: settings.collect is not None
    ),
)
ROUTES = tuple(entry.route().path_format for entry in TABLE)  # the names in the metrics
OPEN = [(entry.route().path_regex, entry.open) for entry in TABLE]


def needs_token(path: str) -> bool:
    """Whether a path needs the token, if there is one; unknown paths of the API do."""
    for pattern, is_open in OPEN:
        if pattern.match(path):  # the router's own pattern, so that both agree on line breaks
            return not is_open
    return path.startswith("/v1/")


def application(settings: Settings, metrics: Metrics | None = None) -> Starlette:
    """Make the app; the model is loaded here.

    Parameters
    ----------
    settings : Settings
    metrics : Metrics, optional
        Those of this process, if there are several processes.

    Raises
    ------
    ModelError, DataError
        As making a :class:`Service` does.
    """
    service = Service(settings, metrics or Metrics(ROUTES))
    routes = [entry.route() for entry in TABLE if entry.operation is not None or entry.offered(settings)]
    middleware = [
        Middleware(RequestCounter, routes=routes, metrics=service.metrics),
        Middleware(Guard, token=settings.token, loopback=settings.loopback, needs_token=needs_token),
    ]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=HANDLERS, lifespan=service.running)
    app.state.service = service
    app.router.redirect_slashes = False  # a path with another slash is another path
    return app
