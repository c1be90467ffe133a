"""All tools, in the order in which they are listed."""

from __future__ import annotations

from careplane.interop.mcp.tool import Tool
from careplane.interop.mcp.tools import (
    create,
    expand,
    history,
    lookup,
    read,
    search,
    summary,
    translate,
    update,
    validate,
    validate_code,
)

TOOLS: tuple[Tool, ...] = (
    search.TOOL,
    read.TOOL,
    summary.TOOL,
    history.TOOL,
    validate.TOOL,
    lookup.TOOL,
    validate_code.TOOL,
    expand.TOOL,
    translate.TOOL,
    create.TOOL,
    update.TOOL,
)
