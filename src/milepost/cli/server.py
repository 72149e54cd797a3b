"""``milepost server``: one place for many people and machines.  See docs/team-server.md."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from milepost.cli import output, server_options
from milepost.cli.options import AsJson, Failed, Misused, byte_count, seconds
from milepost.cli.server_options import Artifacts, DatabaseUrl, LogFormat, server_artifacts, server_database

if TYPE_CHECKING:
    import socket

    from sqlalchemy import Engine

server = typer.Typer(
    help="Run a server for a team: many people and machines, one database.", invoke_without_command=True
)


@server.callback()
def serve(
    context: typer.Context,
    database_url: DatabaseUrl = None,
    artifacts: Artifacts = None,
    public_url: server_options.PublicUrl = None,
    host: server_options.Host = "127.0.0.1",
    port: server_options.Port = server_options.DEFAULT_PORT,
    workers: server_options.Workers = 1,
    trusted_proxies: server_options.TrustedProxies = "",
    signed_urls: server_options.SignedUrls = True,
    migrate: server_options.Migrate = True,
    all_may_create: server_options.AllMayCreate = True,
    drain: server_options.Drain = "0s",
    grace: server_options.Grace = "30s",
    not_responding_after: server_options.NotRespondingAfter = "5m",
    points_per_second: server_options.PointsPerSecond = 0,
    bytes_per_second: server_options.BytesPerSecond = "0",
    storage: server_options.Storage = "0",
    batch_memory: server_options.BatchMemory = "512MB",
    tokens_per_account: server_options.TokensPerAccount = 100,
    workspaces_per_account: server_options.WorkspacesPerAccount = 100,
    audit_keep: server_options.AuditKeep = "0",
    metrics_address: server_options.MetricsAddress = None,
    log_format: server_options.Log = LogFormat.TEXT,
    log_requests: server_options.LogRequests = False,
    oidc_issuer: server_options.OidcIssuer = None,
    oidc_client_id: server_options.OidcClientId = "",
    oidc_client_secret: server_options.OidcClientSecret = "",
    oidc_domains: server_options.OidcDomains = "",
    oidc_label: server_options.OidcLabel = "single sign-on",
) -> None:
    """Serve until SIGTERM or Ctrl-C. With no options: SQLite and local files in ~/.milepost/server, for this machine.

    It has no default password, and listens beyond this machine only when there is an account.
    """
    if context.invoked_subcommand is not None:
        server_options.keep_for_command(database_url, artifacts)
        return
    from milepost.server.team.config import ServerConfig, address_of
    from milepost.server.team.process import serve as serve_all
    from milepost.server.team.settings import Limits, TeamSettings
    from milepost.store.accounts import has_accounts
    from milepost.store.engine import describe

    is_local = _is_local(host)
    if not is_local and public_url is None:
        raise Misused(
            f"At {host} this server is reached from other machines: say by which address, such as "
            "--public-url https://milepost.example"
        )
    at = server_artifacts(artifacts)
    drain_s, grace_s = seconds(drain, what="--drain"), seconds(grace, what="--grace")
    silence_s = _silence(not_responding_after)
    audit_keep_s = seconds(audit_keep, what="--audit-keep")
    metrics_at = server_options.host_and_port(metrics_address)
    limits = Limits(
        batches_at_once=byte_count(batch_memory, what="--batch-memory"),
        points_per_s=points_per_second,
        bytes_per_s=byte_count(bytes_per_second, what="--bytes-per-second"),
        storage=byte_count(storage, what="--storage"),
        tokens_per_account=tokens_per_account,
        workspaces_per_account=workspaces_per_account,
    )
    try:
        settings = TeamSettings(
            (public_url or "http://127.0.0.1").rstrip("/"),
            limits,
            all_may_create,
            oidc=server_options.oidc(oidc_issuer, oidc_client_id, oidc_client_secret, oidc_domains, oidc_label),
            signed_urls=signed_urls,
            trusted_proxies=server_options.networks(trusted_proxies),
        )
    except ValueError as error:
        raise Misused(f"--public-url: {error}") from error
    with server_database(database_url) as engine:
        _prepare(engine, migrate=migrate)
        is_open = has_accounts(engine)
        if not is_local and not is_open:
            raise Failed(
                f"There is no account in {describe(engine)} yet, and so nothing to keep anybody out with: this server "
                f"does not listen at {host}. Make the first administrator: milepost server admin create NAME"
            )
        where = describe(engine)
        secret_url = engine.url.render_as_string(hide_password=False)
    listener = _listener(host, port)
    if public_url is None:
        settings = replace(settings, public_url=address_of(listener))
    url = settings.public_url
    config = ServerConfig(
        secret_url,
        at,
        settings,
        workers=workers,
        drain_s=drain_s,
        grace_s=grace_s,
        silence_s=silence_s,
        audit_keep_s=audit_keep_s,
        metrics_at=metrics_at,
        log_json=log_format is LogFormat.JSON,
        log_requests=log_requests,
    )
    if not is_local and url.startswith("http://"):
        output.tell(f"{url} is no https:// address: passwords and tokens can be read on their way")

    def announce() -> None:
        output.say(f"Milepost's server is at {url} (database: {where}, files: {at})")
        if not is_open:
            output.say(f"It has no account yet. Make the first administrator: {url}/setup#secret={config.setup_secret}")
            output.say("or with: milepost server admin create NAME")
        sys.stdout.flush()

    try:
        serve_all(config, listener, announce)
    except OSError as error:
        raise Failed(error.strerror or str(error)) from error
    except ImportError as error:
        raise Failed(f"{error.name} is not installed; install it with pip install 'milepost[server]'") from error


@server.command("migrate")
def migrate_command(database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Bring the database to this version's schema. Safe while servers of this version start; back it up before."""
    from milepost.store.engine import describe
    from milepost.store.migrate import HEAD, ensure_schema, revision_of

    with server_database(database_url) as engine:
        before = revision_of(engine)
        ensure_schema(engine)
        where = describe(engine)
    if as_json:
        output.write_json({"database": where, "before": before, "schema": HEAD})
    elif before == HEAD:
        output.say(f"{where} has this version's schema ({HEAD}) already.")
    else:
        output.say(f"{where} has this version's schema now ({before or 'empty'} to {HEAD}).")


@server.command("check")
def check(database_url: DatabaseUrl = None, artifacts: Artifacts = None, as_json: AsJson = False) -> None:
    """Say whether a server could run here: the database, its schema, the place for files. Exit code 1 if not."""
    from milepost.server.team.checking import Check, check_artifacts, check_database

    checks: list[Check] = []
    with server_database(database_url) as engine:
        checks += check_database(engine)
    checks.append(check_artifacts(server_artifacts(artifacts)))
    is_well = all(each.is_well for each in checks)
    if as_json:
        output.write_json(
            {"ok": is_well, "checks": [{"name": c.name, "ok": c.is_well, "message": c.message} for c in checks]}
        )
    else:
        for each in checks:
            output.say(f"{'ok ' if each.is_well else 'NO '} {each.name}: {each.message}")
    if not is_well:
        raise typer.Exit(1)


def _silence(text: str) -> float:
    from milepost.server.team.listening import LEAST_SILENCE_S

    found = seconds(text, what="--not-responding-after")
    if 0 < found < LEAST_SILENCE_S:
        raise Misused(
            f"--not-responding-after takes {LEAST_SILENCE_S / 60:g}m or more, or 0 for never: scripts say only each "
            f"half minute that they live. It was {text!r}."
        )
    return found


def _is_local(host: str) -> bool:
    from milepost.server.team.config import is_loopback

    try:
        return is_loopback(host)
    except (OSError, ValueError) as error:
        raise Misused(f"--host takes an address of this machine, and {host!r} is none: {error}") from error


def _prepare(engine: Engine, *, migrate: bool) -> None:
    from milepost.store.engine import describe
    from milepost.store.migrate import HEAD, ensure_schema, revision_of

    if migrate:
        ensure_schema(engine)
        return
    found = revision_of(engine)
    if found != HEAD:
        raise Failed(
            f"{describe(engine)} has schema {found or 'none'}, and this version needs {HEAD}. Back it up, then: "
            "milepost server migrate"
        )


def _listener(host: str, port: int) -> socket.socket:
    from milepost.server.team.config import listen

    try:
        return listen(host, port)
    except OSError as error:
        raise Failed(error.strerror or str(error)) from error
