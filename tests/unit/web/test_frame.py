"""What surrounds every page: languages, static files, sessions, headers, refusals."""

from __future__ import annotations

import gzip
import json
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette

from careplane.access.caller import Caller
from careplane.access.scopes import parse_scopes
from careplane.access.smart.tokens import Tokens
from careplane.kernel.errors import Forbidden, NotFound
from careplane.records import commands
from careplane.records.door import Door
from careplane.storage.ports.records import Tenant, Version
from careplane.web import assets, render
from careplane.web.routes import application
from careplane.web.session import DemoRole
from careplane.web.visit import Web, local
from careplane.words.audience import Audience, speaking
from careplane.words.languages import negotiate

NURSE = Caller(Tenant(1), "Practitioner/n", "Nurse <b>N</b>", parse_scopes("user/Patient.rs"))


class Shut(Door):
    """A door that opens to nobody; what is behind it is for the journeys."""

    def __init__(self) -> None: ...

    async def read(self, caller: Caller, command: commands.Read) -> Version:
        if command.id == "broken":
            raise ZeroDivisionError("a value that nobody may see")
        raise (Forbidden if command.id == "closed" else NotFound)("No.")


class Browser:
    """Asks the application itself, and keeps its cookies."""

    def __init__(self, app: Starlette) -> None:
        transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://testserver")

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return anyio.run(partial(self._client.get, path, **rest))

    def post(self, path: str, **rest: Any) -> httpx.Response:
        return anyio.run(partial(self._client.post, path, **rest))


class Now:
    seconds = 1_800_000_000

    def __call__(self) -> int:
        return self.seconds * 1_000_000


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def tokens(now: Now) -> Tokens:
    return Tokens(b"k" * 32, now)


@pytest.fixture
def client(now: Now, tokens: Tokens) -> Browser:
    role = DemoRole("nurse", "Nurse", "Nurses.", NURSE)
    web = Web(Shut(), tokens, (role,), now)
    return Browser(application(web))


def sign_in(client: Browser) -> httpx.Response:
    answer = client.post("/sign-in", data={"role": "nurse", "next": "/patients/x"})
    assert answer.status_code == 303
    return answer


@pytest.mark.parametrize(
    ("accept", "language"),
    [("en-GB,en;q=0.9", "en"), ("xx,en;q=0", "en"), ("", "en"), (",,;q=", "en"), ("*", "en")],
)
def test_a_language_that_is_not_there_falls_back(accept: str, language: str) -> None:
    assert negotiate(accept) == language


def test_the_style_sheet_is_small_and_so_are_the_first_scripts() -> None:
    files = assets.assets()
    assert len(files["careplane.css"].plain) <= 30_000
    first = [files[name].packed for name in ("careplane.js", "vendor/htmx.min.js") if name in files]
    assert sum(map(len, first)) <= 40_000


def test_a_static_file_is_compressed_and_kept_by_its_digest(client: Browser) -> None:
    url = assets.url("careplane.css")
    answer = client.get(url, headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == gzip.decompress(assets.assets()["careplane.css"].packed)
    again = client.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert client.get("/static/careplane.css").headers["cache-control"] == "no-cache"


def test_signing_out_leaves_no_draft(client: Browser) -> None:
    answer = client.post("/sign-out", headers={"origin": "http://testserver"})
    assert answer.headers["clear-site-data"] == '"storage"'


def test_the_worker_names_what_it_keeps(client: Browser) -> None:
    text = client.get("/worker.js").text
    kept = json.loads(text[text.index("{") : text.index(";")])
    assert kept["files"][-1] == "/offline"
    for path in kept["files"]:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Sign out" not in answer.text


@pytest.mark.parametrize("path", ["/static/../render.py", "/static/%2e%2e/render.py", "/static/x"])
def test_nothing_but_static_files_is_served(client: Browser, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/", "/static/careplane.css"])
def test_every_answer_has_the_strict_headers(client: Browser, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "object-src 'none'", "script-src 'self'"} <= set(policy)
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_have_nothing_inline(client: Browser) -> None:
    text = client.get("/sign-in").text
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick" not in text
    assert "<script>" not in text


def test_who_is_not_signed_in_comes_back_to_where_they_wanted(client: Browser) -> None:
    answer = client.get("/patients?name=a%20b")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=/patients%3Fname%3Da%2520b"
    assert 'value="/patients?name=a%20b"' in client.get(answer.headers["location"]).text


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(client: Browser) -> None:
    cookie = sign_in(client).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Nurse" not in cookie


def test_the_name_of_the_caller_is_escaped(client: Browser) -> None:
    sign_in(client)
    text = client.get("/patients/x").text
    assert "Nurse &lt;b&gt;N&lt;/b&gt;" in text
    assert "<b>N</b>" not in text


@pytest.mark.parametrize(("id", "status"), [("closed", 403), ("x", 404)])
def test_refusals_are_pages_in_words(client: Browser, id: str, status: int) -> None:
    sign_in(client)
    answer = client.get(f"/records/Patient/{id}")
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_our_own_mistake_is_a_page_without_the_inside(
    client: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(client)
    answer = client.get("/records/Patient/broken")
    assert answer.status_code == 500
    assert "nobody may see" not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("path", ["/records/Nothing", "/records/Patient/x/history/-1"])
def test_what_fhir_does_not_have_is_not_found(client: Browser, path: str) -> None:
    sign_in(client)
    assert client.get(path).status_code == 404


def test_a_session_ends_with_its_token(client: Browser, now: Now) -> None:
    sign_in(client)
    assert client.get("/patients/x").status_code == 404
    now.seconds += 9 * 3600
    assert client.get("/patients/x").status_code == 303


def test_sign_out_takes_the_cookie(client: Browser) -> None:
    sign_in(client)
    client.post("/sign-out")
    assert client.get("/patients/x").status_code == 303


def test_a_token_signs_in_and_a_bad_one_is_refused_in_words(
    client: Browser, tokens: Tokens
) -> None:
    bad = client.post("/sign-in", data={"token": "nonsense", "next": "/records"})
    assert bad.status_code == 401
    assert 'role="alert"' in bad.text
    good = client.post("/sign-in", data={"token": f" {tokens.issue(NURSE, 60)}\n"})
    assert good.status_code == 303
    assert client.get("/patients/x").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_forms_of_other_sites_are_refused(client: Browser, headers: dict[str, str]) -> None:
    for path in ("/sign-in", "/sign-out"):
        answer = client.post(path, data={"role": "nurse"}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_our_own_form_is_taken(client: Browser) -> None:
    headers = {"origin": "http://testserver", "sec-fetch-site": "same-origin"}
    answer = client.post("/sign-in", data={"role": "nurse"}, headers=headers)
    assert answer.status_code == 303


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("/patients?x=1", "/patients?x=1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\nb", "/"),
        ("", "/"),
    ],
)
def test_a_form_leads_nowhere_else(asked: str, path: str) -> None:
    assert local(asked) == path


def test_a_page_takes_no_other_method(client: Browser) -> None:
    answer = client.post("/patients", data={"a": "b"})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"role=" + b"x" * 100_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=1" % n for n in range(99)), "application/x-www-form-urlencoded", 400),
        (b"role=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b'{"role": "nurse"}', "application/json", 415),
        (b"", "multipart/form-data; boundary=x", 415),
    ],
)
def test_a_bad_form_is_refused(client: Browser, body: bytes, kind: str, status: int) -> None:
    answer = client.post("/sign-in", content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("fields", [{"role": "root"}, {"role": ""}])
def test_an_unknown_role_is_refused(client: Browser, fields: dict[str, str]) -> None:
    assert client.post("/sign-in", data=fields).status_code == 400


@pytest.mark.parametrize(
    ("sent", "cookies", "language", "zone"),
    [
        ({"language": "de"}, "", "de", "UTC"),
        ({"language": "ar", "zone": "Asia/Amman"}, "", "ar", "Asia/Amman"),
        ({"zone": "Asia/Amman"}, "careplane-browser-zone=Europe/Berlin", "en", "Asia/Amman"),
        ({"zone": ""}, "careplane-browser-zone=Europe/Berlin", "en", "Europe/Berlin"),
        ({"language": "es"}, "careplane-browser-zone=../../etc", "es", "UTC"),
    ],
)
def test_a_language_and_a_clock_are_chosen(
    client: Browser, sent: dict[str, str], cookies: str, language: str, zone: str
) -> None:
    answer = client.post("/preferences", data={**sent, "back": "/sign-in?next=/x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/x")
    kept = "; ".join(filter(None, (cookies, *(f"{n}={v}" for n, v in answer.cookies.items()))))
    page = client.get("/sign-in", headers={"cookie": kept})
    assert f'lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page.text
    assert f'data-zone="{zone}"' in page.text
    assert page.headers["content-language"] == language
    assert "Cookie" in page.headers["vary"]
    assert "Accept-Language" in page.headers["vary"]


@pytest.mark.parametrize(
    "sent", [{"language": "xx"}, {"zone": "Nowhere/at_all"}, {"language": "de", "zone": "../x"}]
)
def test_a_choice_that_is_not_offered_is_refused(client: Browser, sent: dict[str, str]) -> None:
    answer = client.post("/preferences", data=sent)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers


def test_a_choice_leads_nowhere_else(client: Browser) -> None:
    answer = client.post("/preferences", data={"language": "de", "back": "//evil.example"})
    assert answer.headers["location"] == "/"


def test_every_language_is_named_in_itself(client: Browser) -> None:
    text = client.get("/preferences?back=/patients").text
    for name in ("English", "Español", "Deutsch", "العربية"):
        assert name in text
    assert '<option translate="no">Europe/Berlin' in text.replace(" >", ">")
    assert 'name="back" value="/patients"' in text


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(
    "source",
    [
        "{{ _(text) }}",
        "{{ _('Open “%(app)s”', app=text) }}",
        "{{ ngettext('%(num)s of %(text)s', '%(num)s of %(text)s', 2, text=text) }}",
        "{% trans %}Hello {{ text }}{% endtrans %}",
        "<p title=\"{{ _('Open “%(app)s”', app=text) }}\"></p>",
    ],
)
def test_what_a_sentence_names_is_escaped(language: str, source: str) -> None:
    hostile = "100 % <script>alert('x')</script>\""
    with speaking(Audience(language)):
        said = render.environment(language).from_string(source).render(text=hostile)
    assert "<script>" not in said
    assert "&lt;script&gt;" in said
    assert "100 %" in said
