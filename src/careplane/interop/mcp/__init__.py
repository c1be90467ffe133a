"""The Model Context Protocol (MCP): what programs that work with language models may ask of
records, under the rights of whose token they bring."""
