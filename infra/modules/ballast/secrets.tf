# One secret for each credential, filled by hand (docs/deploy.md), so that none is in the code, a plan or the state.
# Who may read it stands beside it.
locals {
  secrets = {
    "database-url-api"     = ["api"]
    "database-url-workers" = ["market", "trading", "training", "import"]
    "database-url-owner"   = ["migrate"]
    "mlflow-database-url"  = ["mlflow", "api", "market", "training"]
    "temporal-key"         = ["api", "market", "trading", "training"]
    "sealing-key"          = ["api", "market", "trading", "training"]
    "kraken-key"           = ["trading"]
    "kraken-secret"        = ["trading"]
    "audit-key"            = ["trading"]
    "oidc-client-secret"   = ["api"]
    "alerts"               = ["trading"]
  }
  readers = {
    for pair in flatten([for secret, names in local.secrets : [for name in names : { secret = secret, name = name }]]) :
    "${pair.name}:${pair.secret}" => pair
  }
}

resource "google_secret_manager_secret" "of" {
  for_each            = local.secrets
  project             = var.project
  secret_id           = each.key
  deletion_protection = true
  # A version that was destroyed by mistake can be taken back for a week.
  version_destroy_ttl = "604800s"
  depends_on          = [google_project_service.api, google_pubsub_topic_iam_member.rotation]

  replication {
    auto {}
  }

  # The notice that a rotation is due; docs/runbooks/rotate-keys.md says how.
  rotation {
    rotation_period    = "7776000s"
    next_rotation_time = var.next_rotation
  }
  topics {
    name = google_pubsub_topic.rotation.id
  }
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.readers
  project   = var.project
  secret_id = google_secret_manager_secret.of[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.of[each.value.name].member
}

resource "google_pubsub_topic" "rotation" {
  project    = var.project
  name       = "${local.name}-rotation"
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "rotation" {
  project = var.project
  topic   = google_pubsub_topic.rotation.name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:service-${var.project_number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
}

# Where everything is, for the workers; credentials are named in it, not held.
resource "google_secret_manager_secret" "terms" {
  project             = var.project
  secret_id           = "worker-terms"
  deletion_protection = true
  depends_on          = [google_project_service.api]
  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "terms" {
  secret = google_secret_manager_secret.terms.id
  secret_data = jsonencode({
    mode         = var.mode
    track        = var.track
    home         = local.home
    database     = local.named["database-url-workers"]
    temporal     = var.temporal.address
    temporal_key = local.named["temporal-key"]
    namespace    = var.temporal.namespace
    venue        = "https://api.kraken.com"
    key          = local.named["kraken-key"]
    secret       = local.named["kraken-secret"]
    instruments  = var.instruments
    cache        = "${local.home}/cache"
    # The home is memory, so what must outlive an instance is put there at each start.
    files = merge(
      { "audit/signing.key" = local.named["audit-key"], "alerts.toml" = local.named["alerts"] },
      { for name, key in var.operators : "operators/${name}.pub" => key },
    )
    objects      = local.raw
    shelf        = [local.named["mlflow-database-url"], local.shelf]
    anchor       = "gs://${google_storage_bucket.of["audit"].name}/checkpoints"
    sealing_keys = [[var.secret_versions["sealing-key"], local.named["sealing-key"]]]
  })
}

resource "google_secret_manager_secret_iam_member" "terms" {
  for_each  = toset(local.pools)
  project   = var.project
  secret_id = google_secret_manager_secret.terms.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.of[each.value].member
}
