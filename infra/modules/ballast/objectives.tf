# An hour traded or skipped with a reason by minute 5, 99.9 % of 30 days: what fails it is a late or a failed hour.
resource "google_monitoring_custom_service" "hours" {
  project      = var.project
  service_id   = "ballast-hours"
  display_name = "Trading hours (${local.name})"
  depends_on   = [google_project_service.api]
}

resource "google_logging_metric" "hours" {
  project = var.project
  name    = "ballast/hours"
  filter  = "${local.workloads} AND jsonPayload.activity=\"close_hour\""
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_slo" "hours" {
  project             = var.project
  service             = google_monitoring_custom_service.hours.service_id
  slo_id              = "on-time"
  display_name        = "Hours closed in time"
  goal                = 0.999
  rolling_period_days = 30
  request_based_sli {
    good_total_ratio {
      bad_service_filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.told["late-hour"].name}\" AND resource.type=\"cloud_run_worker_pool\""
      total_service_filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.hours.name}\" AND resource.type=\"cloud_run_worker_pool\""
    }
  }
}

# Fast: 2 % of a month's allowance in an hour. Slow: 10 % in three days.
resource "google_monitoring_alert_policy" "burn" {
  for_each              = { fast = { rate = 14.4, window = "3600s" }, slow = { rate = 1, window = "259200s" } }
  project               = var.project
  display_name          = "Hours miss their objective, ${each.key} (${local.name})"
  combiner              = "OR"
  severity              = each.key == "fast" ? "CRITICAL" : "WARNING"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "burn rate above ${each.value.rate}"
    condition_threshold {
      filter          = "select_slo_burn_rate(\"${google_monitoring_slo.hours.id}\", \"${each.value.window}\")"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.rate
      duration        = "0s"
    }
  }
}
