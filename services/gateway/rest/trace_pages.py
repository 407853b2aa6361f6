"""The pages at /traces: the list, one trace, and what belongs to them. For people; the contract is /v1/traces."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.routing import APIRoute

from services.gateway.parts import FromApp
from services.gateway.problems import CODES, Refusal, status_of
from services.gateway.scopes import OPEN, FromCaller
from services.gateway.traces import sign_in
from services.gateway.traces.asked import TraceQuery
from services.gateway.traces.frame_times import frame_times
from services.gateway.traces.pages import HEADERS, HERE, page
from services.gateway.traces.viewing import TraceView
from shared.model.errors import Unavailable
from shared.runtime.logs import log

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from services.gateway.access import Caller
    from services.gateway.traces.kept import KeptTrace

MOST_LISTED = 200
_ASSETS = {"traces.css": "text/css", "traces.js": "text/javascript"}
_KEY = Depends(sign_in.PageNeeds(None))


class PageQuery(TraceQuery):
    """What the list shows."""

    what: Literal["requests", "segments"] = "requests"


class PageRoute(APIRoute):
    """A route that answers browsers with a page, also where it says no; others with the problem, as everywhere."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What serves a request."""
        serve = super().get_route_handler()

        async def served(request: Request) -> Response:
            request.state.problem_headers = HEADERS
            try:
                answer = await serve(request)
            except (Refusal, Unavailable, RequestValidationError) as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                answer = _refused(request, error)
            answer.headers.update(HEADERS)
            return answer

        return served


router = APIRouter(prefix=sign_in.PATH, route_class=PageRoute, include_in_schema=False)


@router.get("", dependencies=[_KEY])
async def show_list(parts: FromApp, caller: FromCaller, asked: Annotated[PageQuery, Query()]) -> Response:
    """The traces or segments that are looked for."""
    query = asked.model_copy(update={"limit": min(asked.limit, MOST_LISTED)})
    shelf = parts.traces
    return await asyncio.to_thread(
        page,
        "list.html",
        query=query,
        traces=shelf.found(query, caller.sees_trace) if query.what == "requests" else [],
        segments=shelf.segments(query, caller.sees_trace) if query.what == "segments" else [],
        collector=bool(parts.settings.otlp_endpoint),
        viewer=caller,
    )


@router.get("/sign-in", dependencies=[OPEN])
async def ask_for_key() -> Response:
    """The form."""
    return page("sign_in.html", next=sign_in.PATH, trouble="")


@router.post("/sign-in", dependencies=[OPEN])
async def take_key(request: Request, parts: FromApp) -> Response:
    """Keep a key that holds, and go where its owner wanted to. Where none is asked for, none is kept."""
    form = await sign_in.form_of(request)
    key, address = form.get("key", "").strip(), sign_in.safe(form.get("next", ""))
    try:
        await parts.access.admit(f"Bearer {key}", None)
    except Refusal as error:
        log.warning("sign-in refused", code=error.code)  # these pages have no line a request
        return page("sign_in.html", status_of(error.code), error.headers, next=address, trouble=error.detail)
    answer = RedirectResponse(address, 303)
    if parts.access.asked:
        sign_in.keep(answer, key, encrypted=request.url.scheme == "https")
    return answer


@router.post("/sign-out", dependencies=[OPEN])
async def forget_key(request: Request) -> Response:
    """Have the browser forget its key."""
    await sign_in.form_of(request)
    answer = RedirectResponse(sign_in.PATH, 303)
    sign_in.forget(answer)
    return answer


@router.get("/assets/{name}", dependencies=[OPEN])
async def give_asset(name: str) -> Response:
    """The style and the script of these pages."""
    if name not in _ASSETS:
        raise Refusal("not-found", "There is no such file.")
    return FileResponse(HERE / "assets" / name, media_type=_ASSETS[name])


@router.get("/{trace_id}", dependencies=[_KEY])
async def show_trace(
    trace_id: str,
    parts: FromApp,
    caller: FromCaller,
    first: Annotated[int, Query(alias="from", ge=0)] = 0,
    span: Annotated[str, Query(max_length=16)] = "",
) -> Response:
    """One trace as a waterfall. from: the first row that is shown; span: one that is to be among them."""
    trace = parts.traces.trace(trace_id, caller.sees_trace)
    return await asyncio.to_thread(_shown, trace_id.lower(), trace, first, span, caller)


@router.get("/{trace_id}/otlp.json", dependencies=[_KEY])
async def download(trace_id: str, parts: FromApp, caller: FromCaller) -> Response:
    """What /v1/traces/{trace_id} gives, as a file."""
    trace = parts.traces.trace(trace_id, caller.sees_trace)
    body = msgspec.json.encode(await asyncio.to_thread(trace.otlp_json))
    name = {"Content-Disposition": f'attachment; filename="trace-{trace_id.lower()}.json"'}  # an id that was found
    return Response(body, headers=name, media_type="application/json")


def _shown(trace_id: str, trace: KeptTrace, first: int, span: str, caller: Caller) -> Response:
    view = TraceView.of(trace_id, trace, first, span)
    return page("trace.html", view=view, times=frame_times(view.rows), viewer=caller)


def _refused(request: Request, error: Refusal | Unavailable | RequestValidationError) -> Response:
    if isinstance(error, Refusal) and error.code == "unauthenticated":
        trouble = error.detail if sign_in.COOKIE in request.cookies else ""
        return page("sign_in.html", 401, error.headers, next=sign_in.wanted(request), trouble=trouble)
    if isinstance(error, Refusal):
        code, detail = error.code, error.detail
    elif isinstance(error, Unavailable):
        code, detail = "unavailable", str(error)
    else:
        code, detail = "invalid-parameter", "The address asks for something that there is not."
    status, title = CODES[code]
    return page("problem.html", status, title=title, detail=detail)
