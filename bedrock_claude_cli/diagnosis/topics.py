"""What `why` says of each topic of the error table: what it means, why it comes, what mends it.

The door shows one hint; this is what there is room for where somebody asks. Only `why` loads it.
From docs.aws.amazon.com/bedrock "Troubleshooting API error codes", "Model access", "Quotas" and
"Inference profiles", the botocore source, and public issue threads.
"""

from __future__ import annotations

from bedrock_claude_cli.diagnosis.client_topics import CLIENT_TOPICS, DRY, TWICE, WHO, Topic

_CHECK = "`bedrock-claude access check {model}` shows what is missing"

TOPICS = {
    **CLIENT_TOPICS,
    "expired-credentials": Topic(
        "the temporary credentials (STS, SSO, assumed role) are past their end",
        ("the session ended while the program ran, or the keys were copied a while ago",
         "an old AWS_SESSION_TOKEN in the environment beats the profile that was just renewed",
         "a long-running program does not renew its credentials"),
        (WHO, "`env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN "
         "bedrock-claude verify-creds` tries it without the keys in the environment"),
    ),
    "clock": Topic(
        "the request's signature bears a time that is not AWS's",
        ("this machine's clock is wrong (a resumed virtual machine, WSL or a container)",
         "the request waited for minutes between signing and sending, in a queue or a proxy"),
        ("`bedrock-claude verify-creds` measures the difference; a service such as chrony or "
         "systemd-timesyncd keeps the clock right",),
    ),
    "wrong-secret": Topic(
        "AWS computes another signature: the secret does not fit the access key id",
        ("one half of the key was changed, cut, or copied with a blank or quotes",
         "a proxy changes the headers, the path or the body after signing",
         "the client signs for another region or service than it calls"),
        (WHO,),
    ),
    "unknown-keys": Topic(
        "AWS does not know the access key id or the session token",
        ("the key was deleted or made inactive, or belongs to another partition (GovCloud, China)",
         "temporary keys (ASIA...) are used without their session token",
         "the region is switched off in this account",
         "long-term keys in the environment are mixed with a session token that was left there"),
        (WHO,),
    ),
    "broken-signature": Topic(
        "the request came without a signature that AWS can read",
        ("a proxy or gateway strips or rewrites the Authorization header",
         "the request was sent without signing, as with plain curl",
         "a key or token holds a line break or a blank"),
        ("`bedrock-claude ask --code curl \"Hello\"` prints a request that is signed",),
    ),
    "web-identity": Topic(
        "STS does not accept the identity token (GitHub Actions, EKS and the like)",
        ("the account has no identity provider for the token's issuer",
         "the audience is not the one that the provider or the role expects",
         "the token has expired"),
        (WHO,),
    ),
    "assume-role": Topic(
        "this identity may not assume the role",
        ("the role's trust policy does not name this identity, or a condition of it does not hold "
         "(audience, subject, external id)",
         "the identity has no policy that allows sts:AssumeRole on the role",
         "the role's ARN names another account, or is misspelled"),
        ("`aws sts get-caller-identity` shows who asks", WHO),
    ),
    "marketplace": Topic(
        "the account has no agreement for the model yet, and who called may not make one: the "
        "first call of a model subscribes to it in AWS Marketplace",
        ("the model was never used in this account, and the identity lacks aws-marketplace:"
         "Subscribe and aws-marketplace:ViewSubscriptions",
         "an organization's policy denies AWS Marketplace",
         "the account has no valid means of payment, or its seller of record takes none",
         "it was mended minutes ago and has not arrived everywhere"),
        (_CHECK,),
    ),
    "agreement-pending": Topic(
        "AWS Marketplace is still making the account's agreement for this model",
        ("the model was called or requested for the first time within the last 15 minutes",),
        (_CHECK,),
    ),
    "api-key": Topic(
        "Bedrock does not accept the API key",
        ("the key has expired: a short-term key lasts 12 hours at most, or as long as its session",
         "the key was deleted or made inactive in IAM",
         "AWS_BEARER_TOKEN_BEDROCK is left from another day: it beats profiles and access keys",
         "the variable is set and empty, or holds a blank"),
        ("`env -u AWS_BEARER_TOKEN_BEDROCK bedrock-claude verify-creds` tries it without the key",),
    ),
    "api-key-permission": Topic(
        "the identity behind the API key may not be used by API key",
        ("no policy allows bedrock:CallWithBearerToken",
         "a policy denies long-term keys (bedrock:bearerTokenType)"),
        ("`env -u AWS_BEARER_TOKEN_BEDROCK bedrock-claude verify-creds` tries it without the key",),
    ),
    "organization": Topic(
        "a service control policy of the organization denies the call, or does not allow it, "
        "whatever this account allows; only the organization's administrator can change it",
        ("the policy denies regions, and the endpoint routes to one of them; the ARN in the "
         "message names it, and one without a region means a global endpoint",
         "the policy denies Bedrock, or this model"),
        ("`bedrock-claude ask --endpoint us \"Hello\"` (or eu, jp, au) stays in a geography",
         "the administrator allows the region `unspecified` (aws:RequestedRegion) for global "
         "endpoints, and every destination region for the others"),
    ),
    "explicit-deny": Topic(
        "a policy denies this identity the action, and a Deny beats every Allow, so that granting "
        "more does not help",
        ("a Deny statement names the action, the model, or everything but a few (NotAction)",
         "a Deny has a condition that does not hold: region (aws:RequestedRegion), VPC endpoint, "
         "IP address, MFA, tag",
         "other credentials are used than those that were meant"),
        (WHO,),
    ),
    "bounded": Topic(
        "a policy that bounds this identity does not allow the action, so that granting it to the "
        "identity does not help",
        ("the permissions boundary of the role or user names the actions it may have at most, and "
         "not this one",
         "the session was started with a policy of its own, as by AssumeRole or IAM Identity "
         "Center",
         "the VPC endpoint has a policy that allows less",
         "the resource has a policy that allows less"),
        (WHO,),
    ),
    "model-permission": Topic(
        "IAM does not let this identity call the model",
        ("no policy names the foundation model in every region that the inference profile routes "
         "to; for a global one that is also the ARN without a region",
         "a policy names the model, but not the inference profile",
         "bedrock:InvokeModel is allowed, and bedrock:InvokeModelWithResponseStream is not",
         "a permissions boundary or a session policy allows less than the role's policies"),
        ("`bedrock-claude list-models {model} --policy` prints the exact policy",
         "`bedrock-claude verify-creds --invoke --model {model}` proves it with one tiny call"),
    ),
    "model-access": Topic(
        "the model is not open to this account, or not in this region",
        ("the account has not submitted Anthropic's use-case form, or has no agreement for the "
         "model",
         "access was given in another region than the one that is called",
         "the id names a model that is by invitation only"),
        (_CHECK, "in an organization the form may be the management account's to submit"),
    ),
    "s3-permission": Topic(
        "S3 refuses to show the objects",
        ("no policy of the identity allows it, or the bucket's policy denies it",
         "the objects are encrypted with a key that the identity may not use",
         "the bucket belongs to another account"),
        (WHO,),
    ),
    "mantle-account": Topic(
        "the endpoint bedrock-mantle does not offer this model to the account",
        ("the model is not offered there, or not to this account",
         "another region offers it"),
        ("`bedrock-claude list-models {model}` shows every way to reach it",),
    ),
    "permission": Topic(
        "IAM does not allow this identity the action",
        ("no policy of the identity allows the action on this resource",
         "a Deny in a policy, a permissions boundary or the organization beats every Allow",
         "other credentials are used than those that were meant"),
        (WHO,),
    ),
    "region-off": Topic(
        "the account has not switched this region on",
        ("it is an opt-in region", "the account is new, and not active yet"),
        ("`bedrock-claude list-models --all-regions` shows which regions offer a model",),
    ),
    "sandbox-moto": Topic(
        "this call needs the sandbox's extra, which is not installed",
        ("bedrock-claude was installed without its extra `sandbox`",),
    ),
    "account-restricted": Topic(
        "AWS does not offer Bedrock, or Anthropic's models, to this account",
        ("the account is new, and not verified yet",
         "the country of the account, or where the call comes from, is not one that Anthropic "
         "serves",
         "AWS limited the account, for its bill or for misuse",
         "the account is one of a reseller, who has to ask"),
        ("a case with AWS Support, of the kind Account and billing, needs no support plan", _CHECK),
    ),
    "data-retention": Topic(
        "the model is only served under a data-retention mode that the account has not chosen",
        ("the model's provider wants to keep prompts for a while, or to have them reviewed, and "
         "the account's mode does not allow it",
         "a project of bedrock-mantle has a mode of its own"),
        ("another model: `bedrock-claude list-models`",),
    ),
    "use-case-form": Topic(
        "Anthropic's one-time use-case form has not been submitted for this account; AWS says the "
        "same where only the agreement is missing",
        ("nobody has submitted the form: once an account, or once for an organization",
         "it was submitted minutes ago",
         "the agreement for this model is missing",
         "the region is an opt-in region, for which the form counts separately"),
        (_CHECK, "the other way is the Bedrock console: Model catalog, any model of Anthropic's"),
    ),
    "legacy": Topic(
        "the model is a legacy one, closed to accounts that have not used it lately",
        ("the account has not called it for 15 days (30 in older texts)",
         "an id was copied from an old example"),
        ("`bedrock-claude list-models {model}` names its end and its successor",),
    ),
    "end-of-life": Topic(
        "the model is not served any more",
        ("its end of life has passed", "an id was copied from an old example"),
        ("`bedrock-claude list-models --offline` shows which models end when",),
    ),
    "logs-gone": Topic(
        "the log group or bucket that logging names does not exist",
        ("it was deleted, or never made", "it is in another region or account"),
    ),
    "mantle-id": Topic(
        "bedrock-mantle does not know this model id",
        ("the id has a prefix (us., eu., global.) or an ending (-v1:0): bedrock-mantle takes "
         "neither",
         "the model is not offered there in this region"),
        ("`bedrock-claude list-models {model}` shows every way to reach it",),
    ),
    "inference-profile": Topic(
        "the model cannot be called by its bare id, only through an inference profile",
        ("the id has no prefix: `global.`, or that of the region's geography (us., eu., jp., au.)",
         "the prefix was removed to get a regional endpoint, as older guides advise"),
        ("`bedrock-claude ask \"Hello\"` finds the inference profile itself",
         "`bedrock-claude list-models {model}` shows the ids to type"),
    ),
    "model-id": Topic(
        "no model or inference profile has this id in the region that was called",
        ("the prefix is that of another geography than the region's (us. called from eu-west-1)",
         "the version is missing or invented (-v1:0 where the id ends in -v1, or the reverse)",
         "it is an id of Anthropic's own API, or an alias of some tool",
         "the region is another than was meant: boto3 does not read AWS_REGION"),
        ("`bedrock-claude list-models --all-regions` shows where each model can be called", WHO),
    ),
    "api-version": Topic(
        "the request's body lacks the version that Bedrock wants",
        ("a body of Anthropic's own API was sent as it is",
         "the anthropic SDK from 2.x on sends a newer version than older models take"),
        (DRY,),
    ),
    "temperature-top-p": Topic(
        "the model takes temperature or top_p, not both",
        ("a tool or framework sends a default for the one that was not set",),
        (DRY,),
    ),
    "too-long": Topic(
        "the prompt does not fit into the model's context window",
        ("attachments or a long conversation fill it; max_tokens counts as well",
         "the model's window is smaller than that of another in the family",
         "on Bedrock a long context is a matter of the model, not of a beta header"),
        ("`bedrock-claude ask --count-tokens \"Hello\"` counts before anything is sent",),
    ),
    "parameter": Topic(
        "the body has a field that this model does not take",
        ("the parameter is newer than the model, or needs a beta header",
         "the model refuses sampling parameters such as temperature and top_k",
         "a field of Anthropic's own API is not on Bedrock"),
        (DRY,),
    ),
    "logging-permissions": Topic(
        "Bedrock tried to write to the log group or bucket with the role, and could not",
        ("the role or its policy was made seconds ago, and IAM has not spread it",
         "the log group does not exist (AWS says the same then)",
         "the role's trust policy does not let bedrock.amazonaws.com assume it for this account "
         "and region",
         "the policy's ARN is wrong: LOG-GROUP-ARN:log-stream:aws/bedrock/modelinvocations"),
        ("`bedrock-claude enable-logging --region {region}` makes group, role and policy, and "
         "waits until they work",
         "`bedrock-claude enable-logging --print-policy --region {region}` prints the policies"),
    ),
    "insights-limit": Topic(
        "CloudWatch Logs Insights runs as many queries as it may",
        ("other queries or dashboards run in this account and region",),
    ),
    "quota": Topic(
        "a limit of the account on how many there may be is reached",
        ("jobs, roles, buckets or policies have piled up",),
        ("`aws service-quotas list-service-quotas --service-code bedrock --region {region}` shows "
         "the limits", "delete what is not needed any more"),
    ),
    "changing": Topic(
        "the same thing is there already, is in use, or is being changed by somebody else",
        ("it was made before, perhaps just now: an agreement, a role, a bucket, a log group",
         "two runs work on the same thing"),
        ("look whether it is there as it should be: then nothing is left to do, and otherwise try "
         "again once the other change is done",),
    ),
    "daily-quota": Topic(
        "the account has used up its tokens for the day for this model",
        ("a new account has a small daily quota, sometimes none",
         "input and all of max_tokens are reserved when a request starts, and output counts "
         "several times",
         "somebody else in the account uses the same model"),
        ("another model, or another endpoint (`--endpoint us` beside global), has a quota of its "
         "own",
         "`bedrock-claude usage --days 1` shows who used what, where calls are logged"),
    ),
    "token-rate": Topic(
        "the account has used up its tokens a minute for this model",
        ("max_tokens is high: input and all of it are reserved when a request starts",
         "too many requests run side by side",
         "the account's quota is small, as in a new one"),
        ("another endpoint (global beside a geography) has a quota of its own",
         "ask for a higher quota in the Service Quotas console",
         "`bedrock-claude run prompts.jsonl -o answers.jsonl` paces many prompts by itself"),
    ),
    "throttled": Topic(
        "more requests came than the account may send",
        ("too many requests run side by side, or without pauses",
         "the client repeats at once, without waiting longer each time",
         "somebody else in the account uses the same model"),
        ("`bedrock-claude run prompts.jsonl -o answers.jsonl` paces many prompts by itself",
         "ask for a higher quota in the Service Quotas console"),
    ),
    "throttled-calls": Topic(
        "more calls came than AWS takes of an account in a second; no model was asked",
        ("scripts or pipelines ask the same service side by side",
         "the client repeats at once, without waiting longer each time"),
    ),
    "not-ready": Topic(
        "the model is being loaded",
        ("it is an imported or rarely used model, called after a pause",),
    ),
    "capacity": Topic(
        "Bedrock has no room for the model at this moment; it is nothing the account did",
        ("many call this model now, above all through one region",),
        ("`bedrock-claude ask --endpoint global \"Hello\"` routes to where there is room",
         "wait a few seconds more each time, and heed the header Retry-After"),
    ),
    "model-timeout": Topic(
        "the model did not finish in the time that Bedrock gives it",
        ("a very long answer, much thinking, or a new JSON schema that is compiled first",
         "Bedrock is under load"),
        (TWICE,),
    ),
    "model-error": Topic(
        "the model or Bedrock failed while it worked on the request",
        ("a fault on AWS's side, mostly over in a minute",
         "now and then a certain request, which then fails every time"),
        (TWICE, "https://health.aws.amazon.com shows whether AWS knows of it"),
    ),
}  # fmt: skip
