"""The application of a team's server: one for the server itself, one for all its workspaces, and the entrance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, FastAPI

from milepost import __version__
from milepost.server.app import API, bare_app, operation_name
from milepost.server.compression import Compressed
from milepost.server.errors import ERRORS, add_error_answers
from milepost.server.routes import blobs, journals, store, uploads
from milepost.server.security import Activity
from milepost.server.static import Pages
from milepost.server.team.access import check_access
from milepost.server.team.bodies import BodyLimit
from milepost.server.team.callers import Callers
from milepost.server.team.entrance import Entrance
from milepost.server.team.finishing import Finishing
from milepost.server.team.first_account import FirstAccount
from milepost.server.team.intake import Intake
from milepost.server.team.oidc import OpenIdConnect
from milepost.server.team.places import WORKSPACE, Backend, TeamPlaces
from milepost.server.team.prefix import WorkspacePrefix
from milepost.server.team.probes import Probes
from milepost.server.team.refusals import Refusals
from milepost.server.team.request_log import Observed
from milepost.server.team.routes import SERVER_ROUTERS, WORKSPACE_ROUTERS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from milepost.server.team.measures import Measures
    from milepost.server.team.settings import TeamSettings


class TeamApp:
    """The whole of it, for a server to run."""

    def __init__(
        self,
        backend: Backend,
        settings: TeamSettings,
        first_account: FirstAccount | None = None,
        measures: Measures | None = None,
    ) -> None:
        self.settings = settings
        self.activity = Activity()
        self.places = TeamPlaces(backend)
        self.callers = Callers(backend.engine)
        self.intake = Intake(settings.limits, measures)
        self.finishing = Finishing()
        self.first_account = first_account or FirstAccount()
        callback = f"{settings.public_url}{API}/oidc/callback"
        self.oidc = OpenIdConnect(settings.oidc, callback) if settings.oidc is not None else None
        routers = (store.router, journals.router, blobs.router, uploads.router, *WORKSPACE_ROUTERS)
        self.workspaces = bare_app(self.places, settings, *routers, hides_why=True)
        self.server = self._server_app()
        for app in (self.workspaces, self.server):
            app.state.activity = self.activity
            app.state.callers = self.callers
            app.state.first_account = self.first_account
            app.state.oidc = self.oidc
            app.state.intake = self.intake
            app.state.finishing = self.finishing
        inside: ASGIApp = Pages(Compressed(self._inside), is_team=True)
        inside = Probes(BodyLimit(inside, settings.limits), backend, self.activity)
        inside = Entrance(inside, settings, self.callers, self.places, self.activity)
        self.refusals = Refusals(inside, backend.engine)
        self._outside = WorkspacePrefix(Observed(self.refusals, measures))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self._outside(scope, receive, send)

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.workspaces if WORKSPACE in scope else self.server)(scope, receive, send)

    def _server_app(self) -> FastAPI:
        app = FastAPI(
            title="Milepost: the server",
            version=__version__,
            description="Signing in, tokens, accounts and workspaces. Each workspace has an API of its own at "
            "/workspaces/NAME/api/v1.",
            openapi_url=f"{API}/openapi.json",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=lambda _: self.refusals.being_told(),
            generate_unique_id_function=operation_name,
        )
        app.state.places = self.places
        app.state.settings = self.settings
        add_error_answers(app, hides_why=True)
        api = APIRouter(prefix=API, responses=ERRORS, dependencies=[Depends(check_access)])
        for router in SERVER_ROUTERS:
            api.include_router(router)
        app.include_router(api)
        return app
