"""A workspace as a folder of Parquet tables and files: for other programs, for keeping, and to be read back."""
