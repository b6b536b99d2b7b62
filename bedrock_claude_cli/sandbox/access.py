"""Which models are open to the account: agreements, the use-case form, data retention.

It begins as the rules with `access` and `account` say, and goes on as the operations change it.
The words are AWS's: docs.aws.amazon.com/bedrock "Access Amazon Bedrock foundation models" and
"Troubleshooting API error codes", and public reports of what the agreement operations answer.
"""

from __future__ import annotations

import base64
import datetime
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from bedrock_claude_cli.sandbox import offers
from bedrock_claude_cli.sandbox.control import offered
from bedrock_claude_cli.sandbox.models import Model, base_model
from bedrock_claude_cli.sandbox.request import Request
from bedrock_claude_cli.sandbox.wire import (
    MARKETPLACE,
    RETENTION_MODES,
    AwsError,
    Reply,
    invalid,
    json_reply,
)

NO_FORM = (
    "Model use case details have not been submitted for this account. Fill out the Anthropic use "
    "case details form before using the model. If you have already filled out the form, try again "
    "in 15 minutes."
)
FORM_UNFILLED = "You have not filled out the request form. Fill out the form before getting access."
NO_ACCESS = "You don't have access to the model with the specified model ID."
BEING_MADE = (
    "Your account is not authorized to access this model. Your AWS Marketplace subscription for "
    "this model is still being processed. Try again after 15 minutes."
)
FORM_BYTES = range(10, 16_384 + 1)
_FORM = b'{"companyName": "Sandbox", "intendedUsers": "0", "useCases": "Trying things out"}'
_STATUS = {
    "available": "AVAILABLE",
    "none": "NOT_AVAILABLE",
    "pending": "PENDING",
    "error": "ERROR",
}


@dataclass
class _Agreement:
    """One model's agreement in one region; a pending one is `outcome` after `left` looks."""

    status: str
    left: int | None
    outcome: str
    entitled: bool = True

    def look(self) -> str:
        """The status as it is shown; a look brings a pending agreement nearer to its outcome."""
        shown = self.status
        if self.left is not None:
            self.left -= 1
        self.settle()
        return shown

    def settle(self) -> None:
        """Let a pending agreement that had all its looks come to its outcome."""
        if self.status == "pending" and self.left is not None and self.left <= 0:
            self.status = self.outcome


class Access:
    """The state of one sandbox's account."""

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        self._rules = [rule for rule in rules if "access" in rule]
        account: dict[str, Any] = {}
        for rule in rules:
            account = {**rule.get("account", {}), **account}
        self._form = _FORM if account.get("form", True) else None
        # Everything is open unless a rule says otherwise, and this mode every model takes.
        self._first_mode: str = account.get("retention", "provider_data_share")
        self._modes: dict[str, dict[str, str]] = {}
        self._agreements: dict[tuple[str, str], _Agreement] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Reply | None:
        """One operation on what is open to the account; None for any other."""
        own = {
            "GetFoundationModelAvailability": self._availability,
            "ListFoundationModelAgreementOffers": self._offers,
            "CreateFoundationModelAgreement": self._create,
            "DeleteFoundationModelAgreement": self._delete,
            "GetUseCaseForModelAccess": self._get_form,
            "PutUseCaseForModelAccess": self._put_form,
            "GetAccountDataRetention": self._get_mode,
            "PutAccountDataRetention": self._put_mode,
        }.get(request.operation)
        if own is None:
            return None
        with self._lock:
            return own(request)

    def check(self, model: Model, region: str, *, mantle: bool = False) -> None:
        """Refuse a call of a model that is not open; bedrock-mantle asks for no form."""
        with self._lock:
            rule = self._rule(model, region)
            self._check_mode(model, region, rule)
            agreement = self._agreement(model, region)
            status, entitled = agreement.status, agreement.entitled
            authorized = rule.get("authorized", True)
            if mantle and not (authorized and entitled and status == "available"):
                words = f"{model.first_party_id} is not available for this account."
                raise AwsError("AccessDeniedException", words)
            if not authorized:
                raise invalid("Operation not allowed")
            if self._form is None and not mantle:
                raise AwsError("ResourceNotFoundException", NO_FORM)
            if not entitled:
                raise AwsError("AccessDeniedException", NO_ACCESS)
            if status == "pending":
                raise AwsError("MPAgreementBeingCreated", BEING_MADE)
            if status != "available":
                raise AwsError("AccessDeniedException", MARKETPLACE)

    def _check_mode(self, model: Model, region: str, rule: Mapping[str, Any]) -> None:
        modes = rule.get("retention", model.retention)
        mode = self._mode(region)["mode"].replace("inherit", "default")
        if modes and mode not in modes:
            raise invalid(f"data retention mode '{mode}' is not available for this model")

    def _mode(self, region: str) -> dict[str, str]:
        """The account's mode of data retention, which each region has for itself."""
        return self._modes.get(region, {"mode": self._first_mode})

    def _rule(self, model: Model, region: str) -> Mapping[str, Any]:
        names = [model.id, *(f"{prefix}.{model.id}" for prefix in model.prefixes)]
        for rule in self._rules:
            when = rule.get("when", {})
            here = fnmatchcase(region, when.get("region", "*"))
            if here and any(fnmatchcase(name, when.get("model", "*")) for name in names):
                found: Mapping[str, Any] = rule["access"]
                return found
        return {}

    def _agreement(self, model: Model, region: str) -> _Agreement:
        found = self._agreements.get((model.id, region))
        if found is None:
            rule = self._rule(model, region)
            status = rule.get("agreement", "available")
            entitled = rule.get("entitled", True)
            found = _Agreement(status, rule.get("polls"), "available", entitled)
            found.settle()
            self._agreements[model.id, region] = found
        return found

    def _availability(self, request: Request) -> Reply:
        model = base_model(str(request.model), request.region)
        rule = self._rule(model, request.region)
        found = self._agreement(model, request.region)
        status = found.look()
        agreement = {"status": _STATUS[status]}
        if status == "error":
            agreement["errorMessage"] = "The AWS Marketplace subscription could not be completed."
        here = offered(model, request.region) and not model.retired
        available = {True: "AVAILABLE", False: "NOT_AVAILABLE"}
        authorized = rule.get("authorized", True)
        return json_reply(
            {
                "modelId": model.id,
                "agreementAvailability": agreement,
                "authorizationStatus": "AUTHORIZED" if authorized else "NOT_AUTHORIZED",
                "entitlementAvailability": available[found.entitled],
                "regionAvailability": available[here],
            }
        )

    def _offers(self, request: Request) -> Reply:
        model = base_model(str(request.model), request.region)
        _check_enum("offerType", request.params.get("offerType", "PUBLIC"), ("ALL", "PUBLIC"))
        if model.retired or not offered(model, request.region):
            raise AwsError("ResourceNotFoundException", "The specified model was not found.")
        return json_reply({"modelId": model.id, "offers": [offers.offer(model, request.region)]})

    def _create(self, request: Request) -> Reply:
        model = base_model(str(request.model), request.region)
        if self._form is None:
            raise AwsError("AccessDeniedException", FORM_UNFILLED)
        if request.json().get("offerToken") != offers.token(model, request.region):
            raise invalid("Could not create agreement - Invalid offer token")
        agreement = self._agreement(model, request.region)
        if agreement.status in ("available", "pending"):
            raise invalid("Could not create agreement - Agreement already exists")
        rule = self._rule(model, request.region)
        outcome = "error" if rule.get("agreement") == "error" else "available"
        agreement = _Agreement("pending", rule.get("polls", 0), outcome)
        agreement.settle()
        self._agreements[model.id, request.region] = agreement
        return json_reply({"modelId": model.id}, status=202)

    def _delete(self, request: Request) -> Reply:
        model = base_model(str(request.model), request.region)
        if self._agreement(model, request.region).status == "none":
            raise AwsError("ResourceNotFoundException", "The agreement was not found.")
        self._agreements[model.id, request.region] = _Agreement("none", None, "none")
        return json_reply({}, status=202)

    def _get_form(self, _: Request) -> Reply:
        if self._form is None:
            raise AwsError("ResourceNotFoundException", FORM_UNFILLED)
        return json_reply({"formData": base64.b64encode(self._form).decode()})

    def _put_form(self, request: Request) -> Reply:
        sent = request.json().get("formData")
        try:
            form = base64.b64decode(sent if isinstance(sent, str) else "", validate=True)
        except ValueError as error:
            raise invalid("formData must be base64.") from error
        if len(form) not in FORM_BYTES:
            least, most = FORM_BYTES[0], FORM_BYTES[-1]
            raise invalid(
                "1 validation error detected: Value at 'formData' failed to satisfy constraint: "
                f"Member must have length between {least} and {most}"
            )
        self._form = form
        return json_reply({}, status=201)

    def _get_mode(self, request: Request) -> Reply:
        return json_reply(self._mode(request.region))

    def _put_mode(self, request: Request) -> Reply:
        mode = request.json().get("mode")
        _check_enum("mode", mode, RETENTION_MODES)
        now = datetime.datetime.now(datetime.timezone.utc)
        updated = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self._modes[request.region] = {"mode": str(mode), "updatedAt": updated}
        return self._get_mode(request)


def _check_enum(name: str, value: object, known: Sequence[str]) -> None:
    if value not in known:
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(known)}]"
        )
