"""Pages of documents: put one in, look at it, have its file, mark it as entered in error."""

from __future__ import annotations

from careplane.web.pages.documents import adding, showing
from careplane.web.visit import Handler

_HERE = "/patients/{id}/documents"

PRIVATE: tuple[tuple[str, str, Handler], ...] = (
    ("POST", _HERE, adding.add),
    ("GET", f"{_HERE}/{{document}}", showing.show),
    ("GET", f"{_HERE}/{{document}}/file", showing.file),
    ("POST", f"{_HERE}/{{document}}/file", showing.take),
    ("POST", f"{_HERE}/{{document}}/refuse", showing.refuse),
    ("POST", f"{_HERE}/{{document}}/withdraw", showing.withdraw),
)
