"""Azure's credentials are accepted, forgotten, and never given out again."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from azureml.core import Workspace
from azureml.core.authentication import (
    AbstractAuthentication,
    ArmTokenAuthentication,
    AzureCliAuthentication,
    InteractiveLoginAuthentication,
    MsiAuthentication,
    ServicePrincipalAuthentication,
    TokenAuthentication,
)
from milepost.sdk.exceptions import NotAvailableException

SECRET = "".join(["s3", "cret"])

MAKERS: list[Callable[[], AbstractAuthentication]] = [
    lambda: InteractiveLoginAuthentication(force=True, tenant_id=SECRET),
    lambda: ServicePrincipalAuthentication("tenant", "id", service_principal_password=SECRET),
    lambda: AzureCliAuthentication(cloud=SECRET),
    lambda: MsiAuthentication(identity_config={"client_id": SECRET}),
    lambda: TokenAuthentication(lambda audience: SECRET),
    lambda: ArmTokenAuthentication(SECRET),
]


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_of_it_is_kept(make: Callable[[], AbstractAuthentication]) -> None:
    auth = make()
    assert vars(auth) == {}
    assert repr(auth) == str(auth) == f"{type(auth).__name__}()"
    assert SECRET not in repr(gc.get_referents(auth))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", ["get_authentication_header", "get_token", "signed_session"])
def test_there_is_no_token_to_give_out(make: Callable[[], AbstractAuthentication], name: str) -> None:
    auth = make()
    with pytest.raises(NotAvailableException) as caught:
        getattr(auth, name)()
    assert caught.value.message.startswith(f"A token from {type(auth).__name__} belongs to Azure's cloud")
    assert "azure-identity" in caught.value.message


def test_the_function_that_gives_tokens_is_never_called() -> None:
    def give(audience: str) -> Any:
        raise AssertionError(audience)

    with pytest.raises(NotAvailableException):
        TokenAuthentication(give).get_token("ARM")


def test_another_token_is_accepted_too() -> None:
    auth = ArmTokenAuthentication("one")
    auth.update_arm_access_token("two")
    assert vars(auth) == {}


@pytest.mark.parametrize("make", MAKERS)
def test_a_workspace_takes_it(ws: Workspace, make: Callable[[], AbstractAuthentication]) -> None:
    assert Workspace.get("test", auth=make()) == ws
