# The pipeline proves who it is by GitHub's token; there is no key to lose. GitHub signs for everybody's repositories,
# so the number of ours, and the environment that the job runs in, are part of the condition.
resource "google_iam_workload_identity_pool" "github" {
  project                   = var.project
  workload_identity_pool_id = "github"
  depends_on                = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
    "attribute.environment"   = "assertion.environment"
  }
  attribute_condition = "assertion.repository_id == '${var.repository_id}' && assertion.environment == '${var.environment}' && assertion.ref == 'refs/heads/main'"
  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "pipeline" {
  service_account_id = google_service_account.of["deployer"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/attribute.repository_id/${var.repository_id}"
}

# It may put an image there and roll it out as the workloads' identities; it cannot read a secret or an object.
resource "google_artifact_registry_repository_iam_member" "pipeline" {
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.of["deployer"].member
}

resource "google_project_iam_member" "pipeline" {
  project = var.project
  role    = "roles/run.developer"
  member  = google_service_account.of["deployer"].member
}

resource "google_service_account_iam_member" "acts_as" {
  for_each           = setsubtract(keys(local.identities), ["scheduler", "deployer"])
  service_account_id = google_service_account.of[each.value].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.of["deployer"].member
}
