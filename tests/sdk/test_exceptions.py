"""azureml.exceptions: messages, inner exceptions, JSON, and a way through pickle."""

from __future__ import annotations

import inspect
import json
import logging
import pickle

import pytest

import azureml.exceptions
from azureml.core.compute_target import ComputeTargetException
from azureml.exceptions import (
    ActivityFailedException,
    AzureMLAggregatedException,
    AzureMLException,
    DiscoveryUrlNotFoundException,
    ModelNotFoundException,
    ParallelRunException,
    RunEnvironmentException,
    ServiceException,
    UserErrorException,
    WebserviceException,
    WorkspaceException,
)
from milepost.sdk.exceptions import NotAvailableException, cloud_only, deferred


def test_the_message_and_the_inner_exception_can_be_read_and_set() -> None:
    inner = ValueError("why")
    error = UserErrorException("what", inner_exception=inner)
    assert (error.message, error.inner_exception) == ("what", inner)
    error.message, error.inner_exception = "other", None
    assert (error.message, error.inner_exception) == ("other", None)


def test_the_text_names_the_class_the_message_the_inner_exception_and_ends_with_json() -> None:
    text = str(WorkspaceException("no such place", inner_exception=OSError("gone")))
    assert text.startswith("WorkspaceException:\n\tMessage: no such place\n\tInnerException gone\n\tErrorResponse \n")
    assert json.loads(text.partition("ErrorResponse \n")[2])["error"]["message"] == "no such place"


def test_the_json_tells_a_users_error_from_the_systems() -> None:
    assert json.loads(UserErrorException("x")._serialize_json())["error"]["code"] == "UserError"
    assert json.loads(WorkspaceException("x")._serialize_json())["error"]["code"] == "SystemError"
    detailed = AzureMLException("x", target="t", details=["d"], reference_code="r")
    assert json.loads(detailed._serialize_json())["error"] == {
        "code": "SystemError",
        "message": "x",
        "target": "t",
        "details": ["d"],
        "reference_code": "r",
    }


def test_a_message_can_be_made_of_a_format_and_its_parameters() -> None:
    error = AzureMLException("", message_format="{what} is gone", message_parameters={"what": "it"})
    assert error.message == "it is gone"


def test_unknown_keywords_are_passed_over() -> None:
    assert UserErrorException("x", something_else=1).message == "x"


def test_print_stacktrace_prints_that_of_the_inner_exception(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("deep down")
    except ValueError as inner:
        UserErrorException("x", inner_exception=inner).print_stacktrace()
    printed = capsys.readouterr().err
    assert "test_print_stacktrace" in printed
    assert "ValueError: deep down" in printed


def test_a_service_exception_has_a_status_code_and_is_no_azureml_exception() -> None:
    error = ServiceException("no run", status_code=404)
    assert (error.message, error.status_code) == ("no run", 404)
    assert not isinstance(error, AzureMLException)
    assert json.loads(error._serialize_json())["error"] == {
        "code": "ServiceError",
        "message": "no run",
        "status_code": 404,
    }


def test_a_service_exception_takes_over_what_a_response_or_exception_says() -> None:
    class HttpError(Exception):
        status_code = 503
        message = "try later"

    cause = HttpError()
    error = ServiceException(cause)
    assert (error.message, error.status_code, error.inner_exception) == ("try later", 503, cause)
    assert ServiceException(ValueError("plain")).message == "plain"
    assert ServiceException("plain").status_code is None


def test_the_run_environment_exception_has_a_usual_message() -> None:
    assert "start_logging" in RunEnvironmentException().message
    assert RunEnvironmentException(exception_message="mine").message == "mine"


def test_an_activity_failed_exception_takes_text_or_the_errors_dict() -> None:
    assert ActivityFailedException("exit code 1").message == "Activity Failed:\nexit code 1"
    assert json.loads(ActivityFailedException({"code": 1}).message.partition("\n")[2]) == {"code": 1}


def test_several_exceptions_are_told_one_a_line() -> None:
    both = AzureMLAggregatedException([UserErrorException("one"), ValueError("two"), "three"])
    assert both.message == "one\ntwo\nthree"
    assert len(both.exceptions) == 3


def test_the_fields_that_single_classes_have() -> None:
    assert WebserviceException("x", status_code=404).status_code == 404
    assert WebserviceException("x").status_code is None
    assert WorkspaceException("x", found_multiple=True).found_multiple
    assert ParallelRunException("x", code="c", delay_seconds=2).delay_seconds == 2
    assert "'key'" in DiscoveryUrlNotFoundException("key").message
    assert azureml.exceptions.ComputeTargetException is ComputeTargetException


def test_a_logger_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        ModelNotFoundException("no such model", logger=logging.getLogger("test"))
        WebserviceException("no such service", logger=logging.getLogger("test"))
    assert [record.message for record in caplog.records] == ["no such model", "no such service"]


@pytest.mark.parametrize("name", azureml.exceptions.__all__)
def test_each_goes_through_pickle_as_worker_processes_send_it(name: str) -> None:
    kind = getattr(azureml.exceptions, name)
    takes_a_message = "kwargs" not in list(inspect.signature(kind.__init__).parameters)[1]
    error = kind("the message") if takes_a_message else kind()
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, str(again)) == (error.message, str(error))


def test_pickle_keeps_the_fields() -> None:
    again = pickle.loads(pickle.dumps(ServiceException("x", status_code=404)))
    assert again.status_code == 404
    again = pickle.loads(pickle.dumps(WebserviceException("x", status_code=404)))
    assert again.status_code == 404
    again = pickle.loads(pickle.dumps(RunEnvironmentException(exception_message="mine")))
    assert again.message == "mine"


def test_what_is_not_available_is_a_users_error_and_not_implemented() -> None:
    error = deferred("Run.x", "use Run.y() meanwhile")
    assert isinstance(error, NotAvailableException)
    assert isinstance(error, UserErrorException)
    assert isinstance(error, NotImplementedError)
    assert error.message == "Run.x is not in this version of Milepost yet; use Run.y() meanwhile."
    assert deferred("Run.x").message == "Run.x is not in this version of Milepost yet."
    assert cloud_only("X", "Use Y.").message == "X belongs to Azure's cloud and does not exist in Milepost. Use Y."
