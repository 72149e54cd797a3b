"""Parts of automated ML."""
