"""The tools, one a file; `interop.mcp.catalogue` lists them."""
