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
    key_provider: str = Field(
        default="",
        description="Who keeps the root of all keys, for `careplane init` and `careplane keys "
        "rotate --root`: `passphrase:`, `keyring:service/name`, `pkcs11:token=…;object=…?"
        "module-path=…`, `vault:https://host:8200/transit/keys/name`, `awskms:key`; empty or "
        "`file:`: the key file itself. The key file says by whom it was wrapped (docs/keys.md).",
    )
    tls_cert: str = Field(
        default="",
        description="File of the certificate, with its chain, in PEM; with `CAREPLANE_TLS_KEY` the "
        "server speaks TLS 1.2 and above, at its port and at that of its metrics.",
    )
    tls_key: str = Field(default="", description="File of the certificate's private key, in PEM.")
    tls_client_ca: str = Field(
        default="",
        description="File of certificate authorities, in PEM: every client must show a certificate "
        "of one of them (mutual TLS), for installations that services alone talk to.",
    )
    insecure_plain_http: bool = Field(
        default=False,
        description="Listen without TLS at an address that others can reach: everybody on the way "
        "can read and change what is sent. Not needed behind a proxy, see `CAREPLANE_TRUST_PROXY`.",
    )
    time_zone: str = Field(
        default="UTC",
        description="Time zone of the pages and messages, such as `America/Bogota`, for people "
        "whose own is not known.",
    )
    demo: bool = Field(
        default=False, description="Role picker instead of sign-in. For synthetic data only."
    )
    max_body_bytes: int = Field(
        default=10_000_000,
        ge=1000,
        description="Largest request body that is taken; more answers 413.",
    )
    max_upload_bytes: int = Field(
        default=10_000_000,
        ge=1000,
        le=50_000_000,
        description="Largest file that the pages take: a document, an image, a recording.",
    )
    keep_photo_places: bool = Field(
        default=False,
        description="Photographs and films that are put in keep where they were taken. Otherwise "
        "the place goes from their metadata (Exif, XMP, IPTC) before they are stored; the picture "
        "stays.",
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
    audit_retention_years: int = Field(
        default=0,
        ge=0,
        description="Years after which audit records are removed for good, six at least; 0: never.",
    )
    audit_syslog: str = Field(
        default="",
        description="Receiver of the audit trail as syslog over TLS, such as "
        "`siem.example.org:6514`; empty: none.",
    )
    audit_syslog_form: Literal["dicom", "json"] = Field(
        default="dicom",
        description="What a message holds: an audit message of DICOM (IHE ATNA), or JSON.",
    )
    audit_syslog_ca: str = Field(
        default="",
        description="PEM file of the authorities that the receiver's certificate is checked with; "
        "empty: those of the system.",
    )
    audit_syslog_certificate: str = Field(
        default="",
        description="PEM file with a certificate and its key for the receiver; empty: none is "
        "shown.",
    )
    clamd: str = Field(
        default="",
        description="Address of clamd (ClamAV), which looks through files before they are stored: "
        "`127.0.0.1:3310`, or the path of a Unix socket; empty: none.",
    )
    clamd_required: bool = Field(
        default=True,
        description="Whether files are refused while clamd cannot be asked; `false`: they are "
        "stored, and the log says so.",
    )
    audit_hours: str = Field(
        default="",
        description="Hours of work by role, such as `front-desk=7-19,nurse=0-24`, by which "
        "`careplane audit anomalies` tells what was after hours; a role that is not named has "
        "none.",
    )
    audit_timezone: str = Field(
        default="UTC", description="Time zone of these hours, such as `Europe/Berlin`."
    )
    policies: str = Field(
        default="",
        description="Folder of the institution's own policies, files in Cedar that add to the "
        "ready roles or, by a file of the same name, take the place of one; read at start. Empty: "
        "the ready roles alone.",
    )
    consent_opt_in: str = Field(
        default="",
        description="Purposes of use, with commas between them, for which only what a patient has "
        "permitted is shown, such as `HRESCH`; for all others it is what nobody has denied.",
    )
    consent_roles: str = Field(
        default="privacy-officer,front-desk",
        description="Roles, with commas between them, that record the Consents of patients, and "
        "see all of these.",
    )
    labels: str = Field(
        default="",
        description="Folder of the institution's own tables of sensitive codes, files in CSV that "
        "add to those that come with Careplane. Empty: the latter alone.",
    )
    label_roles: str = Field(
        default="privacy-officer",
        description="Roles, with commas between them, that may take security labels away.",
    )
    part2_sources: str = Field(
        default="",
        description="Whose records are of a program under 42 CFR Part 2: organisations "
        "(`Organization/17`), clients (`client/x`) and values of `meta.source`, with commas "
        "between them.",
    )
    part2_roles: str = Field(
        default="",
        description="Roles, with commas between them, that work inside of such a program.",
    )
    break_glass_roles: str = Field(
        default="physician,treating-physician,nurse,ward-nurse,pharmacist",
        description="Roles, with commas between them, that may break the glass in an emergency; "
        "empty: nobody.",
    )
    break_glass_minutes: int = Field(
        default=30, ge=1, le=1440, description="How long emergency access lasts."
    )
    break_glass_policies: str = Field(
        default="physician",
        description="Role whose policies apply as well under emergency access, to look at that "
        "one patient; empty: policies do not yield, only Consents.",
    )
    history_retention: str = Field(
        default="",
        description="How long superseded versions are kept, by type: `Observation=5v,*=365d` keeps "
        "five of an Observation, and of all others those superseded less than 365 days ago. Empty: "
        "all of them. The current version always stays.",
    )
    package_server: str = Field(
        default="",
        description="Package server that `careplane package add` asks, such as "
        "`https://packages.fhir.org`; empty: none, and packages come from files.",
    )
    profiles: str = Field(
        default="",
        description="What is held against profiles when it is written, by type: `off`, `warn` or "
        "`enforce`, with profiles that every resource of a type must conform to, such as "
        "`*=warn,Patient=enforce:http://example.org/StructureDefinition/our-patient`. Empty: "
        "nothing is.",
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
        description="Mail server for subscriptions by e-mail and messages to patients; empty: none "
        "are offered or sent.",
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection to the mail server is encrypted."
    )
    smtp_from: str = Field(
        default="careplane@localhost",
        description="Sender of the mails of subscriptions, and organizer of visits.",
    )
    smtp_user: str = Field(default="", description="User name at the mail server, if it asks.")
    smtp_password: str = Field(
        default="", description="Password at the mail server; set it by the environment only."
    )
    sms_url: str = Field(
        default="",
        repr=False,  # it may hold a secret
        description="Where text messages to patients go: a web hook, or an address of Apprise with "
        "`{to}` where the number goes (docs/scheduling.md); empty: none are sent.",
    )
    sms_secret: str = Field(
        default="",
        repr=False,
        description="Bearer token for that web hook; set it by the environment only.",
    )
    reminder_hours: str = Field(
        default="24",
        description="Hours before a visit at which its patients are reminded of it, with commas "
        "between them, such as `48,2`; empty: never.",
    )
    consult_hours: int = Field(
        default=48,
        ge=1,
        le=720,
        description="Hours within which a consult without a meeting is answered, as is promised to "
        "who asks.",
    )
    consult_urgent_hours: int = Field(
        default=8, ge=1, le=720, description="The same, for one that is urgent."
    )
    message_hours: int = Field(
        default=48,
        ge=0,
        le=720,
        description="Hours after which a patient's message that nobody has answered is brought to "
        "the notice of its pool; 0: never.",
    )
    cosign_roles: str = Field(
        default="trainee",
        description="Roles, with commas between them, whose notes need a co-signature: who has one "
        "of them names a co-signer when signing, and co-signs nothing; empty: nobody.",
    )
    overbook_roles: str = Field(
        default="front-desk",
        description="Roles, with commas between them, that may book beyond what a schedule offers; "
        "empty: nobody.",
    )
    visit_early_minutes: int = Field(
        default=30,
        ge=0,
        le=1440,
        description="Minutes before an appointment from which on its video room is open.",
    )
    visit_late_minutes: int = Field(
        default=60,
        ge=0,
        le=1440,
        description="Minutes after the end of an appointment when its video room closes.",
    )
    visit_phone: str = Field(
        default="",
        description="Telephone number that a patient is told to call where video does not work, "
        "such as `+1 555 0100`; empty: none.",
    )
    visit_recording: bool = Field(
        default=False,
        description="Let who gives a video visit record it, once all who are in it agree.",
    )
    turn_urls: str = Field(
        default="",
        description="Relays for video visits, with commas between them, such as "
        "`turn:relay.example.org:3478,turns:relay.example.org:443?transport=tcp`; empty: none, and "
        "participants behind strict firewalls do not see each other.",
    )
    turn_secret: str = Field(
        default="",
        repr=False,
        description="Secret shared with these relays (coturn: `static-auth-secret`), from which "
        "credentials that end are made; set it by the environment only.",
    )
    turn_seconds: int = Field(
        default=600, ge=60, le=86_400, description="How long such credentials are good."
    )
    turn_only: bool = Field(
        default=False,
        description="Send all video through the relays, so that participants do not learn each "
        "other's network address.",
    )
    stun_urls: str = Field(
        default="",
        description="STUN servers for video visits, with commas between them, such as "
        "`stun:relay.example.org:3478`; empty: none.",
    )
    livekit_url: str = Field(
        default="",
        description="Where browsers reach the LiveKit server that carries visits of more than 4, "
        "such as `wss://livekit.example.org`; empty: there is none, and 4 is the most.",
    )
    livekit_api_url: str = Field(
        default="",
        description="Where this server reaches it, such as `http://livekit:7880`; empty: at the "
        "same host, over HTTPS.",
    )
    livekit_key: str = Field(default="", description="Our API key at that server.")
    livekit_secret: str = Field(
        default="",
        repr=False,
        description="The secret of that key, 32 characters or more; set it by the environment "
        "only.",
    )
    livekit_most: int = Field(
        default=25, ge=5, le=100, description="How many can take part in a visit there."
    )
    livekit_types: str = Field(
        default="",
        description="Codes of `serviceType` or `appointmentType`, with commas between them, whose "
        "visits are held there however many are expected; empty: none.",
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
    oauth_app_token_seconds: int = Field(
        default=3600,
        ge=10,
        le=86_400,
        description="How long an access token of an app that acts for a person is good.",
    )
    oauth_offline_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="How long an app with `offline_access` may act for a person who is away, from "
        "the day that the person has allowed it.",
    )
    oauth_jwks_hosts: str = Field(
        default="",
        description="Hosts, with commas between them, that keys of clients may be fetched from "
        "although they are on a private network or speak plain HTTP.",
    )
    ledger: bool = Field(
        default=True,
        description="Keep the tamper-evident log of versions, audit records and policies.",
    )
    ledger_name: str = Field(
        default="",
        description="Name of the log, such as `hospital.example/log`; it stays, for receipts hold "
        "it. Empty: made from the key.",
    )
    ledger_policy: str = Field(
        default="",
        description="File that names the log, its witnesses and how many of them must cosign "
        "(tlog-policy); empty: the log signs alone.",
    )
    ledger_anchor: str = Field(
        default="",
        description="File of the newest signed checkpoint. Keep it on another disk than the log, "
        "and out of its backups; empty: `ledger.anchor` in the data folder.",
    )
    ledger_tsa: str = Field(
        default="",
        description="Address of a time-stamp authority (RFC 3161) that stamps a checkpoint a day; "
        "empty: none. Needs `careplane[timestamps]`.",
    )
    ledger_tsa_roots: str = Field(
        default="",
        description="PEM file of the root certificates that the authority must be certified by.",
    )
    proxy_narrows_at: int = Field(
        default=0,
        ge=0,
        le=120,
        description="Years of age from which parents see of their child only who it is, its "
        "appointments and vaccinations; `0`: never.",
    )
    proxy_ends_at: int = Field(
        default=18,
        ge=0,
        le=120,
        description="Years of age at which parents see nothing of their child any more, unless "
        "the child has invited them; `0`: never.",
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
    mcp: Literal["off", "read", "write"] = Field(
        default="read",
        description="What programs may do that come by the Model Context Protocol, within the "
        "scopes of their tokens: nothing, read, or create and update as well.",
    )
    mcp_origins: str = Field(
        default="",
        description="Sites, with commas between them, whose pages may speak MCP with this server "
        "from a browser, such as `https://assistant.example.org`; its own pages may.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged. Logs never hold patient data."
    )
