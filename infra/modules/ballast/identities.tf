# An identity for each workload, without keys: workloads get tokens from where they run, the pipeline by federation.
locals {
  pools = ["market", "trading", "training"]
  identities = {
    api       = "API and dashboard"
    market    = "Worker: data, features, predictions"
    trading   = "Worker: orders; the only one that may read the venue's key"
    training  = "Worker: model training"
    migrate   = "Job: database migrations"
    import    = "Job: import of market data"
    mlflow    = "MLflow"
    scheduler = "Calls the API once an hour"
    deployer  = "The delivery pipeline"
  }
  # Written once and read, never overwritten or deleted: no workload may delete an object, but for bars, which are
  # replaced by longer ones.
  grants = {
    "api:objects:read"       = { name = "api", bucket = "objects", role = "roles/storage.objectViewer" }
    "api:models:read"        = { name = "api", bucket = "models", role = "roles/storage.objectViewer" }
    "market:objects:write"   = { name = "market", bucket = "objects", role = "roles/storage.objectCreator" }
    "market:objects:read"    = { name = "market", bucket = "objects", role = "roles/storage.objectViewer" }
    "market:models:read"     = { name = "market", bucket = "models", role = "roles/storage.objectViewer" }
    "trading:objects:write"  = { name = "trading", bucket = "objects", role = "roles/storage.objectCreator" }
    "trading:objects:read"   = { name = "trading", bucket = "objects", role = "roles/storage.objectViewer" }
    "trading:audit:write"    = { name = "trading", bucket = "audit", role = "roles/storage.objectCreator" }
    "trading:audit:read"     = { name = "trading", bucket = "audit", role = "roles/storage.objectViewer" }
    "training:objects:write" = { name = "training", bucket = "objects", role = "roles/storage.objectCreator" }
    "training:objects:read"  = { name = "training", bucket = "objects", role = "roles/storage.objectViewer" }
    "training:models:write"  = { name = "training", bucket = "models", role = "roles/storage.objectCreator" }
    "training:models:read"   = { name = "training", bucket = "models", role = "roles/storage.objectViewer" }
    "import:objects:write"   = { name = "import", bucket = "objects", role = "roles/storage.objectCreator" }
    "import:objects:read"    = { name = "import", bucket = "objects", role = "roles/storage.objectViewer" }
    "market:bars:write"      = { name = "market", bucket = "bars", role = "roles/storage.objectUser" }
    "import:bars:write"      = { name = "import", bucket = "bars", role = "roles/storage.objectUser" }
    "import:imports:read"    = { name = "import", bucket = "imports", role = "roles/storage.objectViewer" }
    "training:bars:read"     = { name = "training", bucket = "bars", role = "roles/storage.objectViewer" }
    "mlflow:models:write"    = { name = "mlflow", bucket = "models", role = "roles/storage.objectCreator" }
    "mlflow:models:read"     = { name = "mlflow", bucket = "models", role = "roles/storage.objectViewer" }
  }
  tellers = ["api", "market", "trading", "training"]
  telling = ["roles/telemetry.tracesWriter", "roles/telemetry.metricsWriter"]
}

resource "google_service_account" "of" {
  for_each     = local.identities
  project      = var.project
  account_id   = "ballast-${each.key}"
  display_name = each.value
  depends_on   = [google_project_service.api]
}

resource "google_storage_bucket_iam_member" "of" {
  for_each = local.grants
  bucket   = google_storage_bucket.of[each.value.bucket].name
  role     = each.value.role
  member   = google_service_account.of[each.value.name].member
}

resource "google_project_iam_member" "telling" {
  for_each = { for pair in setproduct(local.tellers, local.telling) : "${pair[0]}:${pair[1]}" => pair }
  project  = var.project
  role     = each.value[1]
  member   = google_service_account.of[each.value[0]].member
}
