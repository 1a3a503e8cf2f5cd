locals {
  raw   = "gs://${google_storage_bucket.of["objects"].name}/${var.track}"
  shelf = "gs://${google_storage_bucket.of["models"].name}/releases"
  buckets = {
    objects = "Raw replies, windows, features: named by their hash, written once."
    models  = "What MLflow keeps of model releases."
    bars    = "Hourly bars: a folder to the workers, with one writer at a time."
    imports = "Downloads that people put there to be imported."
    audit   = "Checkpoints and exports of the audit log; nobody can delete them before their time."
    backups = "Encrypted backups of homes and exports of the database."
  }
}

resource "google_storage_bucket" "of" {
  for_each                    = local.buckets
  project                     = var.project
  name                        = "${var.project}-${each.key}"
  location                    = "EU"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = { environment = var.environment }
  depends_on                  = [google_project_service.api]

  versioning {
    enabled = true
  }

  logging {
    log_bucket        = google_storage_bucket.access_logs.name
    log_object_prefix = each.key
  }

  soft_delete_policy {
    retention_duration_seconds = 30 * 86400
  }

  dynamic "retention_policy" {
    for_each = each.key == "audit" ? [1] : []
    content {
      retention_period = var.audit_days * 86400
      is_locked        = var.lock_audit
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.key == "audit" ? [] : [1]
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = 90
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# Who read what; it cannot log to itself.
resource "google_storage_bucket" "access_logs" {
  project                     = var.project
  name                        = "${var.project}-access-logs"
  location                    = "EU"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  depends_on                  = [google_project_service.api]

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 400
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}
