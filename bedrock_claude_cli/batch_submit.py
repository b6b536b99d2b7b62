"""What `jobs submit` and `jobs wait` do: role and input made, jobs started and waited for."""

from __future__ import annotations

import time
from dataclasses import replace

from bedrock_claude_cli import calling
from bedrock_claude_cli.batch_lines import Spool
from bedrock_claude_cli.batch_plan import Plan
from bedrock_claude_cli.bedrock import job_copy, job_index, jobs
from bedrock_claude_cli.bedrock.job_manifest import Manifest, Part
from bedrock_claude_cli.bedrock.job_upload import Upload, abort_left
from bedrock_claude_cli.bedrock.logging_step import Step, grant, missing_permission
from bedrock_claude_cli.context import Context
from bedrock_claude_cli.errors import (
    CliError,
    DeniedError,
    PendingError,
    RejectedError,
    UnavailableError,
)

# Seconds between looks at jobs: the last one again and again.
PAUSES = (1, 2, 4, 8, 15, 30, 60)


def submit(ctx: Context, plan: Plan) -> None:
    """Make all that is missing, in the order of the plan; each may be run again."""
    for step in plan.changes:
        if step.apply:
            _apply(ctx, plan, step)
    if not plan.manifest.kept:
        plan.manifest.save(new=True)
    upload(ctx, plan)
    _copy(ctx, plan)
    start(ctx, plan.manifest, patient=bool(plan.changes), continued=plan.continued)


def _apply(ctx: Context, plan: Plan, step: Step) -> None:
    try:
        if step.apply:
            step.apply(plan.target, ctx.out.note)
    except Exception as error:
        from bedrock_claude_cli.explain import translate

        lacking = missing_permission(error, step)
        if lacking is None:
            raise
        told = translate(error)
        raise told.hinted(f"{grant(lacking)}; the same command continues") from error
    ctx.out.note(f"done: {step.kind} {step.what}")


def refuse(steps: list[Step]) -> None:
    """Raise for what stands in the way; nothing was made yet."""
    for step in steps:
        if step.kind == "impossible":
            raise RejectedError(f"{step.what}; nothing was changed", hint=step.hint)
        if step.kind == "unknown":
            raise DeniedError(
                f"{step.what}; nothing was changed",
                hint=f"{step.hint}; or give a role that is there with --role",
                code="AccessDeniedException",
            )


def upload(ctx: Context, plan: Plan) -> None:
    """Write the input of every part that is not there yet; what is not whole is given up."""
    for spool in plan.survey.spools.values():
        spool.rewind()
    for part in plan.manifest.parts:
        spool = plan.survey.spools[part.model]
        if part.uploaded or part.ended:
            for _ in range(part.records):
                spool.sent.readline()
                spool.beside.readline()
            continue
        _upload(ctx, plan, part, spool)
        part.uploaded = True
        plan.manifest.save()
        ctx.out.note(f"uploaded {part.input_uri}")


def _copy(ctx: Context, plan: Plan) -> None:
    """Keep the manifest beside the input, before any job is started, for whoever has not the file.

    What another machine wrote there, that parts were stopped, is taken over first.
    """
    s3 = plan.target.client("s3")
    if plan.continued and job_copy.take_over(s3, plan.manifest):
        return
    try:
        job_copy.write(s3, plan.manifest)
    except Exception as error:
        if denied := _denied(error, plan, plan.manifest.parts[0]):
            raise denied from error
        raise


def _upload(ctx: Context, plan: Plan, part: Part, spool: Spool) -> None:
    """The index first, so that it is there wherever the input is."""
    s3, owner = plan.target.client("s3"), plan.target.place.account
    if plan.continued:
        abort_left(s3, part.input_uri, owner)
    for uri, file in (
        (part.input_uri + job_index.INDEX, spool.beside),
        (part.input_uri, spool.sent),
    ):
        under_way = Upload(s3, uri, owner)
        try:
            for _ in range(part.records):
                under_way.write(file.readline())
            under_way.close()
        except BaseException as error:
            _give_up(ctx, under_way, uri)
            if denied := _denied(error, plan, part):
                raise denied from error
            raise


def _denied(error: BaseException, plan: Plan, part: Part) -> CliError | None:
    """The refusal of a write, with what allows them all; None for any other error."""
    below = f"arn:{plan.target.place.partition}:s3:::{part.below}*"
    step = Step("change", part.input_uri, actions=("s3:PutObject",), resource=below)
    lacking = missing_permission(error, step)
    if lacking is None:
        return None
    from bedrock_claude_cli.explain import translate

    ours = lacking.action == "s3:PutObject" or ":" not in lacking.action
    if ours:
        lacking = replace(lacking, action="s3:PutObject", resource=below)
    return translate(error).hinted(f"{grant(lacking)}; the same command continues")


def _give_up(ctx: Context, unfinished: Upload, uri: str) -> None:
    """Abort an upload; where even that fails, the first error is the one to tell."""
    try:
        unfinished.abort()
    except Exception as error:
        from bedrock_claude_cli.explain import translate

        ctx.out.warn(f"an unfinished upload stays at {uri}: {translate(error).message}")


def start(ctx: Context, manifest: Manifest, *, patient: bool, continued: bool) -> bool:
    """Start every part that has no job yet; false where AWS runs no more of them at once."""
    if continued and manifest.unstarted:
        job_copy.take_over(ctx.aws.client("s3", region=manifest.region), manifest)
    for part in manifest.parts:
        if part.arn is not None or part.ended or not part.uploaded:
            continue
        with manifest.hold():  # so that none is started that somebody stops at this moment
            if not _start(ctx, manifest, part, patient=patient, continued=continued):
                return False
    return True


def _start(ctx: Context, manifest: Manifest, part: Part, *, patient: bool, continued: bool) -> bool:
    """Start a part, if nobody started or stopped it meanwhile; false where there is no room."""
    if part.arn is not None or part.ended:
        return True
    bedrock = ctx.aws.client("bedrock", region=manifest.region)
    if continued:
        jobs.find(bedrock, part)
    if part.arn is None:
        calling.check_id(ctx, part.model, manifest.region)
        if not jobs.create(bedrock, manifest, part, patient=patient, say=ctx.out.note):
            return False
    manifest.save()
    return True


def refresh(ctx: Context, manifest: Manifest) -> list[Part]:
    """Ask how far every part is, and keep it; those whose state changed."""
    bedrock = ctx.aws.client("bedrock", region=manifest.region)
    _find_lost(ctx, manifest)
    changed = [part for part in manifest.parts if jobs.refresh(bedrock, part)]
    if changed:
        manifest.save()
    return changed


def _find_lost(ctx: Context, manifest: Manifest) -> None:
    """Find what a killed submit made and could not keep: such a job runs, and is paid for."""
    bedrock = ctx.aws.client("bedrock", region=manifest.region)
    lost = [each for each in manifest.parts if each.uploaded and not (each.arn or each.ended)]
    for part in lost:
        jobs.find(bedrock, part)
    if lost:
        manifest.save()


def stop(ctx: Context, manifest: Manifest) -> None:
    """Stop every part that has not ended, those that were not started included."""
    bedrock = ctx.aws.client("bedrock", region=manifest.region)
    _find_lost(ctx, manifest)
    with manifest.hold():
        unstarted = manifest.unstarted
        for part in unstarted:
            part.status, part.message = "Stopped", "it was stopped before it was started"
        manifest.save()
    if any(part.uploaded for part in unstarted):
        _tell_others(ctx, manifest)
    for part in manifest.parts:
        if not part.ended:
            jobs.stop(bedrock, part)
    refresh(ctx, manifest)


def _tell_others(ctx: Context, manifest: Manifest) -> None:
    """Keep in S3 what was stopped, for a `jobs wait` elsewhere."""
    try:
        job_copy.write(ctx.aws.client("s3", region=manifest.region), manifest)
    except Exception as error:
        from bedrock_claude_cli.explain import translate

        where = job_copy.uri(manifest.parts[0])
        ctx.out.warn(
            f"a `jobs wait` on another machine may start what was stopped here, as {where} cannot "
            f"be written: {translate(error).message}"
        )


def wait(ctx: Context, manifest: Manifest, seconds: float) -> None:
    """Wait until every part has ended, starting those that had no room; PendingError before that.

    `seconds` may be infinite. What only delays it (throttles, lost connections) is said.
    """
    if not manifest.sent:
        raise pending(manifest)
    end, look, without = time.monotonic() + seconds, 0, 0
    while True:
        try:
            before, without = without, _look(ctx, manifest)
            if without and without != before:
                ctx.out.note(f"AWS runs no more jobs at once, so {without} will be started later")
        except Exception as error:
            from bedrock_claude_cli.explain import translate

            told = translate(error)
            if not isinstance(told, UnavailableError):
                raise
            ctx.out.note(f"{told.message}; looking again later")
        if manifest.ended:
            return
        left = end - time.monotonic()
        if left <= 0:
            raise pending(manifest)
        ctx.out.pause(min(PAUSES[min(look, len(PAUSES) - 1)], left))
        look += 1


def _look(ctx: Context, manifest: Manifest) -> int:
    """Look at the jobs and start what has room; how many parts have none."""
    for part in refresh(ctx, manifest):
        ctx.out.note(f"{part.name}: {part.status}")
    unstarted = manifest.unstarted
    if unstarted:
        start(ctx, manifest, patient=False, continued=True)
        for part in unstarted:
            if part.arn is not None or part.ended:
                ctx.out.note(f"{part.name}: {part.status}")
    return len(manifest.unstarted)


def pending(manifest: Manifest) -> CliError:
    """What is said of jobs that have not ended, and of those whose waiting would never end."""
    if not manifest.sent:
        return CliError(
            f"the input of {manifest.name} is not wholly uploaded, so waiting does not help",
            hint=go_on(manifest),
            code="NotUploaded",
        )
    left = sum(not part.ended for part in manifest.parts)
    jobs_left = "1 job has" if left == 1 else f"{left} jobs have"
    return PendingError(
        f"{jobs_left} not ended yet, of {len(manifest.parts)}",
        hint=f"`bedrock-claude jobs wait {manifest.handle}`",
    )


def go_on(manifest: Manifest) -> str:
    """How a submit that broke off is continued."""
    command = f"`{manifest.command}`" if manifest.command else "the same `jobs submit`"
    return f"{command} continues it"
