"""Rules as plain data: which requests get another answer than the canned one.

    when:    operation, model, region (globs), prompt and body (regexes, searched in the last user
             message and in all that is sent)
    times:   how often the rule applies; without it always
    reply:   text or words (one token each), thinking, stop_reason, usage, tool_input (the input of
             a tool_use, after the text if there is one), citations (of the text, as the Messages
             API has them: type, cited_text, document_index, document_title, and its place)
    error:   type, and where AWS's own shall not do: status, message, headers
    deny:    an IAM action (a glob); the rule applies to the operations that need it
    job:     how a batch job that is made goes on: status (at its end, Completed unless it is
             PartiallyCompleted, Expired, Failed or Stopped), message, processed (how many records
             are answered), missing (how many answers are not in the output), looks (how many times
             each state is seen); its records meet the rules for InvokeModel
    access:  how open the models are at the start, by `when: {model, region}` (the model's id):
             agreement (available, none, pending or error), polls (how often
             GetFoundationModelAvailability shows a pending agreement before it is available; one
             that is just made has none of these without it, one that is pending at the start never
             ends), authorized, entitled (true or false; one that is made entitles), retention (the
             modes of data retention that the model takes)
    account: what holds for the whole account at the start: form (false: the use-case form was not
             submitted), retention (its mode of data retention, provider_data_share without a rule,
             which every model takes)
    empty:   true: FilterLogEvents finds nothing yet, as when a record is still on its way
    stream:  delay_ms (before the first byte), gap_ms (between deltas), and one fault after so
             many content deltas: cut_after (a clean end without message_stop), reset_after (a TCP
             reset; after 0 there is no answer at all), exception {type, after}, garbage_after,
             bad_crc_after (the next delta's checksum is wrong)

Calls of a model, jobs and Bedrock's operations on agreements, form and data retention meet what
`access` and `account` say, and the operations change it. Without such rules everything is open.
No call makes an agreement by itself, as AWS lets the first call of a model do.

A whole answer knows the faults, too: cut is half a body, reset none, exception an error, garbage
a body of it.

Errors go by Bedrock's names everywhere; the service they hit gets its own: ThrottlingException is
Throttling for IAM, SlowDown for S3 and rate_limit_error for bedrock-mantle. IAM that is not
consistent yet, as right after CreateRole: `{when: {operation:
PutModelInvocationLoggingConfiguration}, times: 3, error: {type: ValidationException}}`, which has
AWS's words for the log group and role that were sent.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

from bedrock_claude_cli.sandbox import rule_schema, services
from bedrock_claude_cli.sandbox.invocation_logging import group_refusal
from bedrock_claude_cli.sandbox.models import ACCOUNT, partition, resource_arn
from bedrock_claude_cli.sandbox.request import INFERENCE, MANTLE, Request
from bedrock_claude_cli.sandbox.wire import DEFAULT_MESSAGES, MARKETPLACE, AwsError


class RuleError(ValueError):
    """Rules that cannot be used; `problems` lists all of them, each as `rules[i].key: what`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Rules:
    """The rules of one sandbox, each with the number of times it may still apply."""

    def __init__(self, rules: Sequence[Mapping[str, Any]]) -> None:
        problems = rule_schema.problems(rules)
        if problems:
            raise RuleError(problems)
        self._rules = [dict(rule) for rule in rules if not {"access", "account"} & set(rule)]
        self._left: list[float] = [rule.get("times", float("inf")) for rule in self._rules]
        self._lock = threading.Lock()

    def take(self, request: Request, prompt: str, *, valid: bool) -> dict[str, Any]:
        """The first rule that matches and is not spent, which it spends once; {} without one.

        So that nothing uses up a reply that does not show it, a request that Bedrock would refuse
        (`valid` false) is met by errors and denials only, and a rule without them that names no
        operation means those that run a model.
        """
        with self._lock:
            for index, rule in enumerate(self._rules):
                if not self._left[index] or not _matches(rule, request, prompt):
                    continue
                if valid or "error" in rule or "deny" in rule:
                    self._left[index] -= 1
                    return rule
        return {}


def _matches(rule: Mapping[str, Any], request: Request, prompt: str) -> bool:
    when = rule.get("when", {})
    if "deny" in rule and not any(fnmatchcase(name, rule["deny"]) for name in request.actions):
        return False
    globs = {
        "operation": request.operation,
        "model": request.model or "",
        "region": request.region,
    }
    if "empty" in rule and request.operation != "FilterLogEvents":
        return False
    if "job" in rule and request.operation != "CreateModelInvocationJob":
        return False
    calm = not {"error", "deny", "empty", "job"} & set(rule)
    if (
        calm
        and "operation" not in when
        and request.operation not in (*INFERENCE, "CreateInference")
    ):
        return False
    if not all(fnmatchcase(value, when[key]) for key, value in globs.items() if key in when):
        return False
    texts = {"prompt": prompt, "body": request.body.decode(errors="replace")}
    return all(re.search(when[key], text) for key, text in texts.items() if key in when)


def rule_error(request: Request, error: Mapping[str, Any]) -> AwsError:
    """The error that a rule asks for, in the service's own words where it gives none."""
    kind = services.error_name(request.service, error["type"])
    message = error.get("message") or DEFAULT_MESSAGES.get(kind) or _own_words(request, kind)
    made = AwsError(kind, message, error.get("status"), error.get("headers"))
    if "status" not in error:
        made.status = services.error_status(request.service, kind, made.status)
    return made


def _own_words(request: Request, kind: str) -> str:
    logging = "Logging" in request.operation
    if kind == "ValidationException" and logging and request.passed_role:
        return group_refusal(request.json()["loggingConfig"]["cloudWatchConfig"])
    return f"{kind} by a rule of the sandbox."


def denial(request: Request, denied: str, caller: str) -> AwsError:
    """What IAM says when no policy of `caller` allows the action that the glob `denied` names."""
    action = next(name for name in request.actions if fnmatchcase(name, denied))
    if action.startswith("aws-marketplace:"):
        return AwsError("AccessDeniedException", MARKETPLACE)
    resource = _resource(request, action)
    where = f" on resource: {resource}" if resource else ""
    kind = services.error_name(request.service, "AccessDeniedException")
    message = (
        f"User: {caller} is not authorized to perform: {action}{where} "
        f"because no identity-based policy allows the {action} action"
    )
    return AwsError(kind, message, services.error_status(request.service, kind, 403))


def _on_everything(request: Request) -> bool:
    """Whether IAM knows no resource of the operation but `*`."""
    return "FoundationModelA" in request.operation  # agreements and availability


def _resource(request: Request, action: str) -> str:
    if action == "iam:PassRole":
        return request.passed_role
    if request.service == MANTLE:
        return (
            f"arn:{partition(request.region)}:{MANTLE}:{request.region}:{ACCOUNT}:project/default"
        )
    if request.model and not _on_everything(request):
        return resource_arn(request.model, request.region)
    if request.service == "s3" and request.path != "/":
        return f'"arn:{partition(request.region)}:s3:::{unquote(request.path).strip("/")}"'
    here = f"arn:{partition(request.region)}:{request.service}"
    if request.service == "iam" and "RoleName" in request.params:
        return f"{here}::{ACCOUNT}:role/{request.params['RoleName']}"
    if request.service == "logs":
        if arn := request.json().get("resourceArn"):
            return str(arn)
        name = request.json().get("logGroupName", "")
        return f"{here}:{request.region}:{ACCOUNT}:log-group:{name}:log-stream:"
    if "InvocationJob" in request.operation:
        return f"{here}:{request.region}:{ACCOUNT}:model-invocation-job/*"
    return request.params.get("RoleArn", "")
