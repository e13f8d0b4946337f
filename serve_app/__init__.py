"""The faces of Delegator: MCP, HTTP, command line and browser."""
