# Beside the engine's own schedule: two clocks start each hour, and it is traded once.
locals {
  audience = "https://${var.domain}/api/scheduler/hour"
}

resource "google_cloud_scheduler_job" "hour" {
  project     = var.project
  name        = "${local.name}-hour"
  region      = var.region
  description = "Starts the trading hour; asof comes from the time it was scheduled for, not from when it arrives."
  schedule    = "0 * * * *"
  time_zone   = "Etc/UTC"
  # The call comes back at once: it starts the hour and tells how it stands.
  attempt_deadline = "60s"
  depends_on       = [google_project_service.api]

  retry_config {
    retry_count          = 5
    min_backoff_duration = "10s"
    max_backoff_duration = "120s"
    max_retry_duration   = "1500s"
  }

  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.api.uri}/api/scheduler/hour"
    oidc_token {
      service_account_email = google_service_account.of["scheduler"].email
      audience              = local.audience
    }
  }
}
