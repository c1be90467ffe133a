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
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on.")
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
    audit_sync: Literal["process", "disk"] = Field(
        default="process",
        description="What an audit record of a read must outlive before the answer leaves: a kill "
        "of the `process`, or a loss of power (`disk`; slower). Those of writes always outlive "
        "both.",
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
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged. Logs never hold patient data."
    )
