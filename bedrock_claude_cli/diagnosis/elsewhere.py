"""Errors that are not Bedrock's: another AWS service's, or the page of a server between."""

from __future__ import annotations

import re

from bedrock_claude_cli import explain
from bedrock_claude_cli.diagnosis.forms import STATUS, Found
from bedrock_claude_cli.errors import CliError

# The operations of bedrock-runtime, STS and SSO, what Bedrock's own are about, and those of IAM,
# S3 and CloudWatch Logs that this tool calls (botocore's service models).
_NAMES = """
    applyguardrail converse conversestream counttokens createinference
    getaccesskeyinfo getcalleridentity getfederationtoken getsessiontoken getwebidentitytoken
    getdelegatedaccesstoken decodeauthorizationmessage
    getrolecredentials listaccountroles listaccounts logout createtoken createtokenwithiam
    registerclient startdeviceauthorization
    deleteresourcepolicy getresourcepolicy putresourcepolicy
    listtagsforresource tagresource untagresource
    createrole getrole deleterole putrolepolicy getrolepolicy listrolepolicies
    listattachedrolepolicies updateassumerolepolicy simulateprincipalpolicy
    createbucket headbucket headobject getobject putobject deleteobject deleteobjects listobjects
    listobjectsv2 getbucketlocation getbucketpolicy putbucketpolicy
    putbucketencryption putpublicaccessblock associatekmskey
    createloggroup describeloggroups putretentionpolicy startquery getqueryresults stopquery
    filterlogevents getlogevents describelogstreams getlogrecord
"""
_OURS = frozenset(_NAMES.split())
_BEDROCK = re.compile(
    r"invoke(?:model|guardrail)|assumero|asyncinvoke|foundationmodel|automatedreasoning|"
    r"promptoptimization|evaluationjob|custommodel|importedmodel|guardrail|inferenceprofile|"
    r"promptrouter|provisionedmodel|marketplacemodel|usecaseformodel|accountdataretention|"
    r"model(?:copy|customization|import|invocation)(?:job|logging)"
)
_SERVICE = re.compile(r"\(Service:\s*([\w ]{1,60}?)[,;]|operation\s+error\s+([\w ]{1,60}?):\s")
_OUR_SERVICE = re.compile(
    r"(?:amazon|aws)?(?:bedrock\w*|sts|securitytokenservice|sso\w*|signin|s3|iam|"
    r"identitymanagement|(?:cloudwatch)?logs)"
)
# What these say of keys and permissions holds of every service.
_EVERYWHERE = frozenset(
    ("expired-credentials", "clock", "wrong-secret", "unknown-keys", "broken-signature",
     "web-identity", "assume-role", "permission", "explicit-deny", "bounded",
     "organization", "region-off"))  # fmt: skip
GENERAL = "; another AWS service than Bedrock says it here, so that the answer is general"
OTHER_SERVICE = "other-service"

_SERVERS = re.compile(
    r"\b(?:nginx|openresty|squid|haproxy|varnish|zscaler|cloudflare|awselb)\b|"
    r"upstream connect error", re.I)  # fmt: skip
_PAGE = re.compile(r"<html\b|<!doctype html", re.I)
# What has no part in a model's answer is said of calls that ask none.
_OF_CALLS = {
    "throttled": "throttled-calls",
    **dict.fromkeys(("capacity", "model-error", "model-timeout", "server-error"), "calls-failed"),
}


def of_another_service(operation: str | None, said: str) -> bool:
    """Whether an operation, or the service that an error names, is none of those used here."""
    if service := _SERVICE.search(said):
        name = (service[1] or service[2]).replace(" ", "").lower()
        return not _OUR_SERVICE.fullmatch(name)
    name = (operation or "").lower()
    return bool(name) and name not in _OURS and not _BEDROCK.search(name)


def foreign(found: Found, text: str) -> bool:
    """Whether the error is another service's."""
    return of_another_service(found.operation, text[found.at : found.end + 20])


def topic_of_operation(topic: str, name: str, operation: str | None) -> str:
    """A topic as it is for what was asked: not every operation asks a model, or names one."""
    if topic == "not-found" and (name.startswith("NoSuch") or not _may_name_a_model(operation)):
        return "not-there"
    if operation and not explain.asks_a_model(operation):
        return _OF_CALLS.get(topic, topic)
    return topic


def _may_name_a_model(operation: str | None) -> bool:
    name = (operation or "converse").lower()
    return name.startswith(("converse", "counttokens")) or bool(_BEDROCK.search(name))


def placed(found: Found, text: str, error: CliError, topic: str) -> tuple[CliError, str] | None:
    """An error and its topic as they are where it was said: not every one is Bedrock's.

    None where there is no topic, and it is no page of a server's either.
    """
    near = text[max(0, found.at - 200) : found.end + 600]
    if found.sure <= STATUS and (_SERVERS.search(near) or (not topic and _PAGE.search(near))):
        page = type(error)(error.message, hint=explain.NOT_AWS, retry=error.retry)
        return page, "proxy-page"
    if not topic:
        return None
    if foreign(found, text) and topic not in _EVERYWHERE:
        retry = "no" if error.retry == "no" else "now"
        return CliError(error.message, code=error.code, retry=retry), OTHER_SERVICE
    if topic == "logs-gone" and error.code == "NoSuchBucket" and not _of_bedrock(found, text):
        return CliError(error.message, code=error.code), "bucket"
    if topic == "anthropic-api":
        error.code = found.name
    return error, topic


def _of_bedrock(found: Found, text: str) -> bool:
    operation = (found.operation or "").lower()
    named = operation.startswith("converse") or _BEDROCK.search(operation)
    return bool(named) or "bedrock" in text.lower()
