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
    audit_sync: Literal["process", "disk"] = Field(
        default="process",
        description="What an audit record of a read must outlive before the answer leaves: a kill "
        "of the `process`, or a loss of power (`disk`; slower). Those of writes always outlive "
        "both.",
    )
    history_retention: str = Field(
        default="",
        description="How long superseded versions are kept, by type: `Observation=5v,*=365d` keeps "
        "five of an Observation, and of all others those superseded less than 365 days ago. Empty: "
        "all of them. The current version always stays.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged. Logs never hold patient data."
    )
