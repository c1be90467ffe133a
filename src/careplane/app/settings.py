"""Settings of one installation: environment variables `CAREPLANE_*`, overruled by options of the
command line. docs/settings.md describes each; a test compares."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may choose."""

    model_config = SettingsConfigDict(env_prefix="CAREPLANE_", extra="ignore", frozen=True)

    data: Path = Field(
        default=Path("careplane-data"), description="Folder of all data and of the key."
    )
    database: str = Field(
        default="",
        repr=False,  # it may hold a password
        description="Address of a PostgreSQL database for the records, such as "
        "`postgresql://user:password@host/name`; empty: a file in the data folder. The key stays "
        "in the data folder, the same on every node.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(
        default=1, ge=1, le=256, description="Processes that answer requests, side by side."
    )
    base_url: str = Field(
        default="",
        description="Address by which clients know this server, such as "
        "`https://records.example.org`; empty: taken from each request's Host header.",
    )
    trust_proxy: bool = Field(
        default=False,
        description="Believe X-Forwarded headers; only behind a proxy that sets them itself.",
    )
    demo: bool = Field(
        default=False, description="Role picker instead of sign-in. For synthetic data only."
    )
    max_body_bytes: int = Field(
        default=10_000_000,
        ge=1000,
        description="Largest request body that is taken; more answers 413.",
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="Port for Prometheus, at `/metrics`; 0: none."
    )
    metrics_host: str = Field(
        default="127.0.0.1",
        description="Address of that port. It asks for no token, so keep it to a network of yours.",
    )
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        description="How long `/readyz` says 503 before the server stops to listen, after SIGTERM; "
        "as long as a load balancer takes to notice.",
    )
    grace_seconds: int = Field(
        default=20,
        ge=1,
        description="How long requests under way may take to end, after that.",
    )
    reserve_bytes: int = Field(
        default=32_000_000,
        ge=0,
        description="Room on the disk that is kept for audit records: with less than this free, "
        "writes answer 503 and reads go on; 0: none is kept.",
    )
    audit_sync: Literal["process", "disk"] = Field(
        default="process",
        description="What an audit record of a read must outlive before the answer leaves: a kill "
        "of the `process`, or a loss of power (`disk`; slower). Those of writes always outlive "
        "both.",
    )
    policies: str = Field(
        default="",
        description="Folder of the institution's own policies, files in Cedar that add to the "
        "ready roles or, by a file of the same name, take the place of one; read at start. Empty: "
        "the ready roles alone.",
    )
    history_retention: str = Field(
        default="",
        description="How long superseded versions are kept, by type: `Observation=5v,*=365d` keeps "
        "five of an Observation, and of all others those superseded less than 365 days ago. Empty: "
        "all of them. The current version always stays.",
    )
    full_text: bool = Field(
        default=False,
        description="Full-text search, `_text` and `_content`. The same for every process and "
        "command on the data; after switching it on over data that is there: `careplane reindex`.",
    )
    bulk_store: str = Field(
        default="",
        description="Where files of bulk exports are kept, encrypted: `file:///folder` or "
        "`s3://bucket/prefix` (credentials from AWS_ variables); empty: folder `bulk` of the data "
        "folder.",
    )
    bulk_part_bytes: int = Field(
        default=100_000_000,
        ge=1000,
        description="Size at which a file of a bulk export ends and the next one begins.",
    )
    bulk_keep_hours: float = Field(
        default=24, gt=0, description="How long the output of a bulk job is kept."
    )
    bulk_at_once: int = Field(default=4, ge=1, description="Bulk jobs under way together.")
    bulk_per_tenant: int = Field(
        default=2, ge=1, description="Bulk jobs of one tenant under way together."
    )
    subscription_hosts: str = Field(
        default="",
        description="Names and addresses that subscriptions may send to although they are not "
        "public, with commas between them.",
    )
    subscription_http: bool = Field(
        default=False, description="Let subscriptions send without encryption, to http addresses."
    )
    subscription_attempts: int = Field(
        default=20,
        ge=1,
        le=1000,
        description="Failures in a row after which a subscription is turned off; 20 take some "
        "nine hours.",
    )
    smtp_host: str = Field(
        default="",
        description="Mail server for subscriptions by e-mail; empty: none are offered.",
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to the mail server is encrypted."
    )
    smtp_from: str = Field(
        default="careplane@localhost", description="Sender of the mails of subscriptions."
    )
    smtp_user: str = Field(default="", description="User name at the mail server, if it asks.")
    smtp_password: str = Field(
        default="", description="Password at the mail server; set it by the environment only."
    )
    bulk_import_hosts: str = Field(
        default="",
        description="Hosts, with commas between them, that `$import` may read from although they "
        "are on a private network or speak plain HTTP; public ones over HTTPS need no entry.",
    )
    bulk_import_stores: str = Field(
        default="",
        description="Prefixes of object stores, with commas between them, that `$import` may read "
        "below, such as `s3://bucket/incoming/`.",
    )
    oauth_token_seconds: int = Field(
        default=300,
        ge=10,
        le=3600,
        description="How long an access token of a registered client is good.",
    )
    oauth_jwks_hosts: str = Field(
        default="",
        description="Hosts, with commas between them, that keys of clients may be fetched from "
        "although they are on a private network or speak plain HTTP.",
    )
    session_idle_minutes: int = Field(
        default=15,
        ge=1,
        le=480,
        description="Minutes without a request after which a person must sign in again.",
    )
    session_hours: float = Field(
        default=12.0,
        gt=0,
        le=24,
        description="Hours after which a person must sign in again, whatever happened.",
    )
    oidc_issuer: str = Field(
        default="",
        description="An OpenID provider where people sign in instead of here, such as "
        "`https://login.example.org`; empty: none. Goes with `CAREPLANE_BASE_URL`.",
    )
    oidc_client_id: str = Field(default="", description="By which id that provider knows us.")
    oidc_client_secret: str = Field(
        default="",
        repr=False,
        description="Our secret at that provider; set it by the environment only.",
    )
    oidc_claim: str = Field(
        default="email",
        description="The claim that holds a person's login; `email` counts only where the provider "
        "says that it is verified.",
    )
    oidc_groups: str = Field(
        default="groups", description="The claim that holds a person's groups there."
    )
    oidc_roles: str = Field(
        default="",
        description="Roles that groups give, as `group=role, group=role`; empty: the roles of "
        "users are granted here.",
    )
    oidc_label: str = Field(
        default="your institution", description="What the sign-in page calls that provider."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged. Logs never hold patient data."
    )
