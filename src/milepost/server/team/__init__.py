"""The server for a team: many workspaces, many people and machines."""
