"""Files of runs and snapshots as the API tells them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from milepost.server.times import Answer, Moment


class FileEntry(Answer):
    """A file of a run."""

    name: str = Field(description="With its folders.")
    size: int = Field(description="Bytes.")
    content_type: str = Field(description="What the name tells; the content was not looked at.")
    created: Moment
    captured: bool = Field(description="Collected from the working directory; the script has not uploaded it itself.")
    digest: str = Field(description="SHA-256 of the content, in hex.")


class FolderEntry(Answer):
    """A folder of a run's files."""

    name: str = Field(description='With a "/" at its end.')
    files: int = Field(description="How many files are in it and below it.")
    size: int = Field(description="Bytes of all of them.")


class LogEntry(Answer):
    """A log of a run."""

    name: str
    size: int = Field(description="Bytes, just now.")
    live: bool = Field(description="Whether it still grows.")


class FileList(Answer):
    """Files of a run."""

    files: list[FileEntry]
    folders: list[FolderEntry] = Field(description="Those right below the prefix; empty where the list is recursive.")
    live: list[LogEntry] = Field(description="Logs that still grow, and are not among the files yet.")
    total: int = Field(description="How many files there are, of which ``files`` is a page.")
    total_size: int = Field(description="Bytes of all of them.")


class FileNames(Answer):
    """All files of a run, as columns of one length, by name."""

    names: list[str]
    sizes: list[int] = Field(description="Bytes.")
    digests: list[str] = Field(description="The beginnings of the contents' digests.")


class FilePreview(Answer):
    """The beginning of a file, as it can be shown."""

    kind: Literal["text", "json", "table", "image", "pdf", "binary"]
    name: str
    size: int = Field(description="Bytes.")
    content_type: str
    digest: str
    url: str = Field(description="Where the whole file is.")
    truncated: bool = Field(description="The file goes on behind what is shown.")
    text: str | None = Field(None, description="Of kinds text and json.")
    encoding: str | None = Field(None, description="Of texts; CSV, too.")
    columns: list[str] | None = Field(None, description="Of kind table.")
    types: list[str] | None = Field(
        None, description="Of the columns: boolean, integer, number, date, time, text or empty."
    )
    rows: list[list[str]] | None = Field(None, description="Of kind table: the first 200.")
    total_rows: int | None = Field(None, description="Of kind table, where it is known.")
    note: str | None = Field(None, description="Why there is no better preview.")
