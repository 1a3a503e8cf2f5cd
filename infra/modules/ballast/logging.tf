# Every line is kept for a year where it can be searched, and audit lines for good where nobody can delete them.
resource "google_logging_project_bucket_config" "lines" {
  project        = var.project
  location       = "eu"
  bucket_id      = "ballast-lines"
  retention_days = 365
  depends_on     = [google_project_service.api]
}

resource "google_logging_project_sink" "lines" {
  project                = var.project
  name                   = "ballast-lines"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.lines.id}"
  filter                 = "resource.type=(\"cloud_run_revision\" OR \"cloud_run_worker_pool\" OR \"cloud_run_job\")"
  unique_writer_identity = true
}

resource "google_logging_project_sink" "audit" {
  project                = var.project
  name                   = "ballast-audit"
  destination            = "storage.googleapis.com/${google_storage_bucket.of["audit"].name}"
  filter                 = "logName:\"cloudaudit.googleapis.com\""
  unique_writer_identity = true
}

resource "google_storage_bucket_iam_member" "audit_sink" {
  bucket = google_storage_bucket.of["audit"].name
  role   = "roles/storage.objectCreator"
  member = google_logging_project_sink.audit.writer_identity
}

# Who read a secret or a bucket is itself a line.
resource "google_project_iam_audit_config" "reads" {
  for_each = toset(["secretmanager.googleapis.com", "storage.googleapis.com", "cloudsql.googleapis.com"])
  project  = var.project
  service  = each.value
  audit_log_config {
    log_type = "DATA_READ"
  }
  audit_log_config {
    log_type = "DATA_WRITE"
  }
}
