"""Workspaces, and what is in them: experiments, datastores; where they lie on this machine."""
