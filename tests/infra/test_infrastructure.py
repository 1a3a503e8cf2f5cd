"""The infrastructure as Terraform itself understands it: well-formed, and true to its invariants."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.infra import stub_provider
from tests.infra.invariants import INVARIANTS
from tests.infra.terraforming import ROOT, Plan, Terraform

FOLDERS = ("staging", "production", "modules/temporal-gke")
MODULE = "modules/ballast/"
FAULTS = {
    "no_database_is_public": ("database.tf", "ipv4_enabled    = false", "ipv4_enabled = true"),
    "databases_can_be_restored": ("database.tf", "recovery_enabled = true", "recovery_enabled = false"),
    "no_bucket_is_public": ("storage.tf", '= "enforced"', '= "inherited"'),
    "the_audit_bucket_keeps_everything": ("storage.tf", "= var.lock_audit", "= false"),
    "nobody_is_everybody": ("mlflow.tf", "= each.value\n}", '= "allUsers"\n}'),
    "no_identity_has_a_key": ("outputs.tf", 'output "address"', "KEY"),
    "no_role_is_broad": ("delivery.tf", '"roles/run.developer"', '"roles/editor"'),
    "workers_never_sleep": ("workloads.tf", "cpu_idle          = false", "cpu_idle = true"),
    "credentials_are_never_plain": ("workloads.tf", "BALLAST_HOME         = local.home", 'KRAKEN_KEY = "k"'),
    "nothing_that_matters_can_be_deleted": ("secrets.tf", "protection = true", "protection = false"),
    "nobody_chooses_his_own_address": ("workloads.tf", "local.proxies,", '"*",'),
    "images_are_named_by_digest": ("mlflow.tf", "= var.mlflow_image", '= "mlflow:latest"'),
    "only_trading_reads_the_venues_key": ("secrets.tf", '= ["trading"]', '= ["trading", "market"]'),
    "no_workload_deletes_objects": ("identities.tf", "storage.objectCreator", "storage.objectUser"),
    "only_our_repository_deploys": ("delivery.tf", "assertion.repository_id ==", "assertion.repository =="),
    "the_hour_is_called_every_hour": ("scheduler.tf", "0 * * * *", "0 9 * * *"),
    "everything_that_can_go_wrong_wakes_somebody": ("alerts.tf", '"unknown-order"', '"other"'),
    "the_dashboard_is_well_formed": ("dashboard.tf", "(index % 4) * 12", "0"),
}  # fmt: skip
A_KEY = 'resource "google_service_account_key" "lost" {\n  service_account_id = "x"\n}\n\noutput "address"'


@pytest.fixture(scope="module")
def provider() -> Iterator[dict[str, str]]:
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed: the infrastructure is not checked here")
    with stub_provider.serving() as environment:
        yield environment


@pytest.fixture(scope="module")
def spoiled(provider: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Production with every invariant broken at once."""
    terraform = Terraform(tmp_path_factory.mktemp("spoiled") / "infra", provider)
    for file, right, wrong in FAULTS.values():
        terraform.spoil(MODULE + file, right, A_KEY if wrong == "KEY" else wrong)
    return terraform.plan("production")


def test_every_environment_is_valid(provider: dict[str, str], tmp_path: Path) -> None:
    terraform = Terraform(tmp_path / "infra", provider)
    assert {folder: terraform.validate(folder) for folder in FOLDERS} == dict.fromkeys(FOLDERS, "")


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_invariants_hold(provider: dict[str, str], tmp_path: Path, environment: str) -> None:
    plan = Terraform(tmp_path / "infra", provider).plan(environment)
    assert len(plan.resources) > 100
    assert [offence for invariant in INVARIANTS for offence in invariant(plan)] == []


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.__name__)
def test_a_broken_invariant_is_noticed(spoiled: Plan, invariant: Callable[[Plan], Iterator[str]]) -> None:
    assert invariant.__name__ in FAULTS
    assert list(invariant(spoiled))


def test_an_argument_that_the_provider_does_not_know_is_refused(
    provider: dict[str, str], tmp_path: Path
) -> None:
    terraform = Terraform(tmp_path / "infra", provider)
    terraform.spoil("modules/ballast/database.tf", "disk_autoresize", "disk_resizes")
    assert 'An argument named "disk_resizes" is not expected here' in terraform.validate("staging")


def test_the_stub_knows_exactly_what_is_used() -> None:
    """`extract_schema.py` was run after the last new kind of resource."""
    from tests.infra.extract_schema import USED

    used = {name for file in (ROOT / "infra").rglob("*.tf") for name in USED.findall(file.read_text())}
    described = stub_provider.described()
    assert used == {*described["resource"], *described["data"]} - {"google_service_account_key"}


def test_every_workload_has_an_identity_of_its_own() -> None:
    """A plan does not know the identities' addresses yet, so this reads the source."""
    text = "".join((ROOT / "infra" / MODULE / name).read_text() for name in ("workloads.tf", "mlflow.tf"))
    workloads = re.findall(r'resource "google_cloud_run_v2_(?:service|worker_pool|job)"', text)
    assert len(workloads) == 5
    own = r"service_account +=(?= google_service_account\.of\[(?:each\.(?:key|value)|\"\w+\")\]\.email)"
    assert len(re.findall(own, text)) == len(workloads)
