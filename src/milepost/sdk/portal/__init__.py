"""The embedded portal of a workspace: its process, and what is known of it."""
