"""What must hold of every environment, each as a function from a plan to what breaks it."""

import json
import re
from collections.abc import Iterator

from tests.infra.terraforming import Plan, Resource

RUNNING = ("cloud_run_v2_service", "cloud_run_v2_worker_pool", "cloud_run_v2_job")
POWERFUL = re.compile(r"roles/(owner|editor|viewer)$|[aA]dmin$|\*")
CREDENTIAL = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|DATABASE|_URI$|://[^/]*:[^/]*@")
ALERTS = {
    *("late-hour", "failed-hour", "halt", "kill-switch", "mismatch", "unknown-order", "proof", "stale"),
    *("audit-log", "other", "no_hour", "worker_absent", "errors"),
    *(f"{promise}-{pace}" for promise in ("hour", "order") for pace in ("fast", "medium", "slow")),
}


def containers(plan: Plan) -> Iterator[tuple[Resource, dict]]:  # type: ignore[type-arg]
    for kind in RUNNING:
        for resource in plan.of(kind):
            template = resource.values["template"][0]
            template = template["template"][0] if kind.endswith("job") else template
            yield from ((resource, container) for container in template["containers"])


def no_database_is_public(plan: Plan) -> Iterator[str]:
    for database in plan.of("sql_database_instance"):
        settings = database.values["settings"][0]
        way_in = settings["ip_configuration"][0]
        if way_in["ipv4_enabled"] is not False or way_in["authorized_networks"]:
            yield f"{database.address} has a public address"
        if way_in["ssl_mode"] != "ENCRYPTED_ONLY":
            yield f"{database.address} takes connections in the clear"


def databases_can_be_restored(plan: Plan) -> Iterator[str]:
    for database in plan.of("sql_database_instance"):
        backups = database.values["settings"][0]["backup_configuration"][0]
        if not (backups["enabled"] and backups["point_in_time_recovery_enabled"]):
            yield f"{database.address} cannot be brought back to a point in time"


def no_bucket_is_public(plan: Plan) -> Iterator[str]:
    for bucket in plan.of("storage_bucket"):
        if bucket.values["public_access_prevention"] != "enforced":
            yield f"{bucket.address} could be made public"
        if not bucket.values["uniform_bucket_level_access"]:
            yield f"{bucket.address} has access rules by object"
        if not bucket.values["versioning"][0]["enabled"]:
            yield f"{bucket.address} keeps no versions"


def the_audit_bucket_keeps_everything(plan: Plan) -> Iterator[str]:
    audit = next(bucket for bucket in plan.of("storage_bucket") if bucket.index == "audit")
    kept = audit.values["retention_policy"]
    if not kept or (plan.environment == "production" and not kept[0]["is_locked"]):
        yield f"{audit.address} may be emptied"


def nobody_is_everybody(plan: Plan) -> Iterator[str]:
    for resource in plan.resources:
        if "_iam_" in resource.type and str(resource.values.get("member")) in {
            "allUsers",
            "allAuthenticatedUsers",
        }:
            yield f"{resource.address} lets everybody in"


def no_identity_has_a_key(plan: Plan) -> Iterator[str]:
    yield from (f"{key.address} is a key that can be lost" for key in plan.of("service_account_key"))


def no_role_is_broad(plan: Plan) -> Iterator[str]:
    for resource in plan.resources:
        if POWERFUL.search(str(resource.values.get("role", ""))):
            yield f"{resource.address} grants {resource.values['role']}"


def workers_never_sleep(plan: Plan) -> Iterator[str]:
    for pool in plan.of("cloud_run_v2_worker_pool"):
        scaling = pool.values["scaling"][0]
        if pool.index != "training" and not (scaling["manual_instance_count"] or 0) >= 1:
            yield f"{pool.address} has no instance"
    for service in plan.of("cloud_run_v2_service"):
        template = service.values["template"][0]
        limits = template["containers"][0]["resources"][0]
        sleeps = limits["cpu_idle"] is not False or not template["scaling"][0]["min_instance_count"]
        if service.address.endswith(".api") and sleeps:
            yield f"{service.address} sleeps between requests"


def credentials_are_never_plain(plan: Plan) -> Iterator[str]:
    for resource, container in containers(plan):
        for variable in container["env"]:
            name, value = variable["name"], variable.get("value")
            if value is not None and (CREDENTIAL.search(name) or CREDENTIAL.search(value)):
                yield f"{resource.address} has {name} in plain text"
            for source in variable["value_source"]:
                if not re.fullmatch(r"[1-9]\d*", source["secret_key_ref"][0]["version"] or ""):
                    yield f"{resource.address} takes whatever version of {name} is newest"
    for user in plan.of("sql_user"):
        yield f"{user.address} has its password in the state"
    for version in plan.of("secret_manager_secret_version"):
        if "terms" not in version.address:
            yield f"{version.address} has its content in the state"


def nothing_that_matters_can_be_deleted(plan: Plan) -> Iterator[str]:
    guarded = (*RUNNING, "sql_database_instance", "secret_manager_secret")
    for resource in (resource for kind in guarded for resource in plan.of(kind)):
        if resource.values["deletion_protection"] is not True:
            yield f"{resource.address} may be deleted"
    for bucket in plan.of("storage_bucket"):
        if bucket.values["force_destroy"] is not False:
            yield f"{bucket.address} may be deleted with all it holds"


def nobody_chooses_his_own_address(plan: Plan) -> Iterator[str]:
    for resource, container in containers(plan):
        if "*" in (container.get("args") or []):
            yield f"{resource.address} believes anybody's word about a caller's address"


def images_are_named_by_digest(plan: Plan) -> Iterator[str]:
    for resource, container in containers(plan):
        if not re.search(r"@sha256:[0-9a-f]{64}$", container["image"]):
            yield f"{resource.address} runs whatever a tag points at"


def only_trading_reads_the_venues_key(plan: Plan) -> Iterator[str]:
    for grant in plan.of("secret_manager_secret_iam_member"):
        name, _, secret = grant.index.partition(":")
        if secret.startswith("kraken") and name != "trading":
            yield f"{name} may read {secret}"
        if name in {"deployer", "scheduler"}:
            yield f"{name} may read {secret}"


def no_workload_deletes_objects(plan: Plan) -> Iterator[str]:
    for grant in plan.of("storage_bucket_iam_member"):
        bars = grant.index in {"market:bars:write", "import:bars:write"}
        allowed = {"roles/storage.objectCreator", "roles/storage.objectViewer"}
        if grant.values["role"] not in allowed and not bars:
            yield f"{grant.address} grants {grant.values['role']}"


def only_our_repository_deploys(plan: Plan) -> Iterator[str]:
    for provider in plan.of("iam_workload_identity_pool_provider"):
        condition = provider.values["attribute_condition"] or ""
        for claim in ("repository_id == '987654321'", f"environment == '{plan.environment}'", "ref =="):
            if f"assertion.{claim}" not in condition:
                yield f"{provider.address} does not ask for {claim}"


def the_hour_is_called_every_hour(plan: Plan) -> Iterator[str]:
    jobs = plan.of("cloud_scheduler_job")
    if [(job.values["schedule"], job.values["time_zone"]) for job in jobs] != [("0 * * * *", "Etc/UTC")]:
        yield "the scheduler does not call every hour of UTC"
    for job in jobs:
        if not job.values["http_target"][0]["oidc_token"][0]["audience"]:
            yield f"{job.address} does not prove who calls"


def everything_that_can_go_wrong_wakes_somebody(plan: Plan) -> Iterator[str]:
    policies = plan.of("monitoring_alert_policy")
    named = {policy.index for policy in policies} | {p.address.split("policy.")[1] for p in policies}
    named = {name.split("[")[0] for name in named}
    yield from (f"nobody is told of {missing}" for missing in sorted(ALERTS - named))
    if not plan.of("billing_budget"):
        yield "nobody is told of costs"


def the_dashboard_is_well_formed(plan: Plan) -> Iterator[str]:
    for dashboard in plan.of("monitoring_dashboard"):
        tiles = json.loads(dashboard.values["dashboard_json"])["mosaicLayout"]["tiles"]
        if len({(tile["xPos"], tile["yPos"]) for tile in tiles}) != len(tiles):
            yield f"{dashboard.address} draws charts over one another"


INVARIANTS = (
    no_database_is_public,
    databases_can_be_restored,
    no_bucket_is_public,
    the_audit_bucket_keeps_everything,
    nobody_is_everybody,
    no_identity_has_a_key,
    no_role_is_broad,
    workers_never_sleep,
    credentials_are_never_plain,
    nothing_that_matters_can_be_deleted,
    nobody_chooses_his_own_address,
    images_are_named_by_digest,
    only_trading_reads_the_venues_key,
    no_workload_deletes_objects,
    only_our_repository_deploys,
    the_hour_is_called_every_hour,
    everything_that_can_go_wrong_wakes_somebody,
    the_dashboard_is_well_formed,
)
