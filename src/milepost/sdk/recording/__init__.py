"""What a process records, on its way into the store: journal, drain, and what is left behind."""
