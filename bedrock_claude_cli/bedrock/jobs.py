"""Jobs of Bedrock's own batch inference: made, found again, looked at, stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from bedrock_claude_cli.bedrock import catalog, model_id
from bedrock_claude_cli.bedrock.catalog import KnownModel
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.bedrock.logging_state import fault_name
from bedrock_claude_cli.errors import CliError, RejectedError

# A minute and a half in all: IAM takes a new role's word that long at most, as a rule.
WAITS = (2, 4, 8, 15, 30, 30)
RUN = "use `bedrock-claude run`"
NOT_LOGGED = "batch calls are not in the invocation logs, so `logs` and `usage` do not see them"


def create(
    bedrock: Any, manifest: Manifest, part: Part, *, patient: bool, say: Callable[[str], None]
) -> bool:
    """Start the part's job, the same one however often; false where no more run at once.

    `patient` waits for a role that IAM has only just made; RejectedError for one that AWS refuses.
    """
    asked = {
        "jobName": part.name,
        "roleArn": manifest.role,
        "clientRequestToken": part.token,
        "modelId": part.model,
        "inputDataConfig": {"s3InputDataConfig": {"s3Uri": part.input_uri}},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": part.output_uri}},
        "timeoutDurationInHours": manifest.hours,
    }
    for wait in (*WAITS, None):
        try:
            part.arn = bedrock.create_model_invocation_job(**asked)["jobArn"]
            part.status = "Submitted"
            return True
        except Exception as error:
            name = fault_name(error)
            if name == "ServiceQuotaExceededException":
                return False
            if name != "ValidationException":
                raise
            if "role" not in str(error).lower():
                raise _of_the_model(error, part.model, manifest.region) or error from error
            if wait is None or not patient:
                raise _of_the_role(error) from error
        say(f"AWS does not accept the role yet, as IAM takes a while: waiting {wait} s")
        time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _of_the_role(error: Exception) -> CliError:
    from bedrock_claude_cli.explain import translate

    return translate(error).hinted(
        "the role has to let bedrock.amazonaws.com assume it for batch jobs of this account and "
        "region; without --role the same command makes one that does"
    )


def doubt(known: KnownModel | None, model: str) -> str | None:
    """Why a model may not be taken by batch inference; None where AWS lists it."""
    if known is not None and known.batch:
        return None
    name = known.name if known else model
    if known is not None and known.batch is False:
        return f"batch inference does not take {name}"
    return f"whether batch inference takes {name} is unknown, as AWS's list of models does not say"


def takers(region: str) -> str:
    """The models that AWS lists for batch inference and a region has, by alias."""
    listed = catalog.load()
    return ", ".join(
        each.alias
        for each in listed.models
        if each.batch and each.lifecycle.status == "ACTIVE" and listed.offered(each, region)
    )


def _of_the_model(error: Exception, model: str, region: str) -> CliError | None:
    """What AWS refused of a model that it does not list; None where it lists it."""
    from bedrock_claude_cli.explain import translate

    why = doubt(catalog.load().get(model_id.parse(model).base_id or ""), model)
    if why is None:
        return None
    return translate(error).hinted(f"{why}; listed are {takers(region)}; or {RUN}")


def find(bedrock: Any, part: Part) -> None:
    """Find the job of a part that a process, which was killed, may have made."""
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(nameContains=part.name)
    for page in pages:
        for each in page.get("invocationJobSummaries", ()):
            if each.get("clientRequestToken") == part.token:
                part.arn = each["jobArn"]
                part.told(each)
                return


def refresh(bedrock: Any, part: Part) -> bool:
    """Ask how far a part is; whether its state changed."""
    if part.arn is None or part.ended:
        return False
    return part.told(get(bedrock, part.arn))


def get(bedrock: Any, arn: str) -> dict[str, Any]:
    """What AWS tells of a job; RejectedError where it knows none such."""
    try:
        told: dict[str, Any] = bedrock.get_model_invocation_job(jobIdentifier=arn)
    except Exception as error:
        if fault_name(error) != "ResourceNotFoundException":
            raise
        raise RejectedError(
            f"AWS knows no job {arn} (any more)",
            hint="`bedrock-claude jobs list` shows those that it knows",
            code="ResourceNotFoundException",
        ) from None
    return told


def stop(bedrock: Any, part: Part) -> bool:
    """Stop a part; false where it had ended, or was never made."""
    if part.arn is None:
        return False
    try:
        bedrock.stop_model_invocation_job(jobIdentifier=part.arn)
    except Exception as error:
        if fault_name(error) != "ConflictException":
            raise
        return False
    return True


def listed(bedrock: Any, status: str | None) -> Iterator[dict[str, Any]]:
    """Every job of the region, the newest first, or those in one state."""
    filters = {"statusEquals": status} if status else {}
    pages = bedrock.get_paginator("list_model_invocation_jobs").paginate(**filters)
    for page in pages:
        yield from page.get("invocationJobSummaries", ())
