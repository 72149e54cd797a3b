"""The exceptions of ``azureml.exceptions``, with the hierarchy and the constructors scripts know.

``str()`` of one gives the message, the exception that led to it and the same as JSON, so that logs and tools
that look for ``Message:`` or parse the JSON keep working.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLAggregatedException",
    "AzureMLException",
    "AzureMLRestClientException",
    "ComputeTargetException",
    "DatasetTimestampMissingError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "NotAvailableException",
    "ParallelRunException",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
    "cloud_only",
    "deferred",
]


class _DescribedError(Exception):
    """A message, the exception that led to it, and both as JSON.  ``args`` is what the class was called with,
    so that a worker process can send one back (pickle calls the class with ``args`` again).
    """

    _error_code = "SystemError"

    def __init__(self, message: object, inner_exception: BaseException | None, *args: object) -> None:
        super().__init__(*args)
        self._message = str(message)
        self._inner_exception = inner_exception

    @property
    def message(self) -> str:
        """What went wrong, and what to do about it."""
        return self._message

    @message.setter
    def message(self, value: str) -> None:
        self._message = value

    @property
    def inner_exception(self) -> BaseException | None:
        """The exception that led to this one, or None."""
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, value: BaseException | None) -> None:
        self._inner_exception = value

    def print_stacktrace(self) -> None:
        """Print the stack trace of the inner exception, or of this one where there is none, to standard error."""
        import traceback

        stream: TextIO = sys.stderr
        error = self._inner_exception or self
        traceback.print_exception(type(error), error, error.__traceback__, file=stream)

    def _error_fields(self) -> dict[str, Any]:
        return {"code": self._error_code, "message": self._message}

    def _serialize_json(self, indent: int | None = None) -> str:
        """``{"error": {"code": ..., "message": ...}}`` as text."""
        import json

        return json.dumps({"error": self._error_fields()}, indent=indent, default=str)

    def __str__(self) -> str:
        return (
            f"{type(self).__name__}:\n\tMessage: {self._message}\n\tInnerException {self._inner_exception}"
            f"\n\tErrorResponse \n{self._serialize_json(indent=4)}"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._message!r})"


class AzureMLException(_DescribedError):
    """The base of what the SDK raises.

    ``message_format`` with ``message_parameters`` (a dict) makes the message where ``exception_message`` is empty.
    Further keywords are taken and ignored, as callers of the original pass some.
    """

    def __init__(
        self,
        exception_message: object,
        inner_exception: BaseException | None = None,
        target: str | None = None,
        details: Any = None,
        message_format: str | None = None,
        message_parameters: dict[str, Any] | None = None,
        reference_code: str | None = None,
        **kwargs: Any,
    ) -> None:
        message = "" if exception_message is None else str(exception_message)
        if not message and message_format:
            message = message_format.format(**message_parameters or {})
        super().__init__(message, inner_exception, exception_message)
        self._target = target
        self._details = details
        self._reference_code = reference_code

    def _error_fields(self) -> dict[str, Any]:
        extra = {"target": self._target, "details": self._details, "reference_code": self._reference_code}
        return super()._error_fields() | {key: value for key, value in extra.items() if value}


class _PlainException(AzureMLException):
    """For those that are made with a message alone; further keywords go to `AzureMLException`."""

    def __init__(self, exception_message: object, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class _LoggedException(AzureMLException):
    """For those that also tell a logger."""

    def __init__(self, exception_message: object, logger: Any = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        if logger is not None:
            logger.error(self.message)


class UserErrorException(_PlainException):
    """What was asked cannot be done as it was asked; the message says what to change."""

    _error_code = "UserError"


class AuthenticationException(UserErrorException):
    """Whoever asks could not be recognised."""


class NotAvailableException(UserErrorException, NotImplementedError):
    """Something of Azure's SDK that this version of Milepost does not do.  See `deferred` and `cloud_only`."""


def deferred(what: str, instead: str = "") -> NotAvailableException:
    """What to raise for something a later version brings.  ``instead`` says what can be done meanwhile."""
    return NotAvailableException(_joined(f"{what} is not in this version of Milepost yet", instead))


def cloud_only(what: str, instead: str) -> NotAvailableException:
    """What to raise for something that only Azure's cloud has.  ``instead`` says what to use with Milepost."""
    return NotAvailableException(_joined(f"{what} belongs to Azure's cloud and does not exist in Milepost", instead))


def _joined(trouble: str, instead: str) -> str:
    advice = instead.rstrip(".")
    if not advice:
        return f"{trouble}."
    return f"{trouble}{'. ' if advice[0].isupper() else '; '}{advice}."


class ActivityFailedException(AzureMLException):
    """A run that was waited for has failed.  ``error_details`` is text, or the error as a dict."""

    def __init__(self, error_details: object, **kwargs: Any) -> None:
        text = error_details
        if not isinstance(error_details, str):
            import json

            text = json.dumps(error_details, indent=4, default=str)
        super().__init__(f"Activity Failed:\n{text}", **kwargs)
        self.args = (error_details,)


class AzureMLAggregatedException(AzureMLException):
    """Several things went wrong at once; they are in ``exceptions``."""

    def __init__(self, exceptions_list: Iterable[BaseException | str], **kwargs: Any) -> None:
        self.exceptions = list(exceptions_list)
        lines = [getattr(error, "message", None) or str(error) for error in self.exceptions]
        super().__init__("\n".join(lines), **kwargs)
        self.args = (self.exceptions,)


class ComputeTargetException(_PlainException):
    """There is no such compute target, or it cannot be used."""


class DatasetTimestampMissingError(AzureMLException):
    """A time-series dataset has no timestamp column."""

    def __init__(self, error_details: object, **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)


class DiscoveryUrlNotFoundException(AzureMLException):
    """The address of a service was not found."""

    def __init__(self, discovery_key: object, **kwargs: Any) -> None:
        super().__init__(f"No service address was found for {discovery_key!r}.", **kwargs)
        self.args = (discovery_key,)


class ExperimentExecutionException(_PlainException):
    """A run could not be started."""


class ModelNotFoundException(_LoggedException):
    """There is no such model."""


class ModelPathNotFoundException(_LoggedException):
    """The file or folder that was to become a model is not there."""


class ParallelRunException(AzureMLException):
    """A parallel step has failed; ``code`` and ``delay_seconds`` are kept as given."""

    def __init__(
        self, exception_message: object, code: str | None = None, delay_seconds: float = 0, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds


class ProjectSystemException(_PlainException):
    """A project's folder cannot be used."""


class RunConfigurationException(_PlainException):
    """A run configuration is not valid."""


class RunEnvironmentException(AzureMLException):
    """This process is not part of a submitted run.  ``exception_message=`` replaces the usual message."""

    _error_code = "UserError"

    def __init__(self, **kwargs: Any) -> None:
        usual = (
            "This process is not inside a submitted run, so there is no run to take from its environment. "
            "Start one with Experiment(workspace, name).start_logging(), or call Run.get_context() with "
            "allow_offline=True to log to the screen."
        )
        super().__init__(kwargs.pop("exception_message", None) or usual, **kwargs)
        self.args = ()


class SnapshotException(_PlainException):
    """A folder's snapshot cannot be taken or given back."""


class TrainingException(_PlainException):
    """Training has failed."""


class WebserviceException(AzureMLException):
    """A model or a web service was not found or cannot be used.  ``status_code`` is an HTTP status or None."""

    def __init__(
        self, exception_message: object, status_code: int | None = None, logger: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code
        if logger is not None:
            logger.error(self.message)


class WorkspaceException(AzureMLException):
    """The workspace cannot be found, made or opened.  ``found_multiple``: several have the name."""

    def __init__(self, exception_message: object, found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(AzureMLException):
    """A private endpoint of a workspace cannot be used."""

    def __init__(self, exception_message: object, found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class AzureMLRestClientException(_DescribedError):
    """The base of what a service answers with.  Not an `AzureMLException`, as in Azure's SDK."""

    _error_code = "ServiceError"

    def __init__(
        self,
        exception_message: object,
        inner_exception: BaseException | None = None,
        *,
        status_code: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(exception_message, inner_exception, exception_message)
        self.status_code = status_code

    def _error_fields(self) -> dict[str, Any]:
        return super()._error_fields() | ({"status_code": self.status_code} if self.status_code is not None else {})


class ServiceException(AzureMLRestClientException):
    """The workspace's store refuses or cannot do what was asked.

    ``error_response_exception`` is the message, or an exception or response whose ``message`` (or text) and
    ``status_code`` are taken.  ``status_code`` is an HTTP status: 404 where a run is not there.
    """

    def __init__(
        self,
        error_response_exception: object,
        *,
        status_code: int | None = None,
        inner_exception: BaseException | None = None,
        **kwargs: Any,
    ) -> None:
        source = error_response_exception
        if inner_exception is None and isinstance(source, BaseException):
            inner_exception = source
        if status_code is None:
            response = getattr(source, "response", None)
            status_code = getattr(source, "status_code", None) or getattr(response, "status_code", None)
        message = source if isinstance(source, str) else getattr(source, "message", None) or str(source)
        super().__init__(message, inner_exception, status_code=status_code)
