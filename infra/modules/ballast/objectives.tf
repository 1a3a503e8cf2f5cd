# Two promises, judged by the workers for every hour and every order (adapters/storage/promises.py), each a line:
# an hour is traded or skipped with a reason by minute 5 (99.9 %); what became of an order is known in two minutes
# (99.99 %). Of 30 days.
locals {
  promises = {
    hour  = { goal = 0.999, title = "Hours decided by minute 5" }
    order = { goal = 0.9999, title = "Outcomes of orders known in two minutes" }
  }
  # 2 % of a month's allowance in an hour, 5 % in six, 10 % in three days.
  burning = {
    fast   = { rate = 14.4, window = "3600s", severity = "CRITICAL" }
    medium = { rate = 6, window = "21600s", severity = "ERROR" }
    slow   = { rate = 1, window = "259200s", severity = "WARNING" }
  }
  burns = { for pair in setproduct(keys(local.promises), keys(local.burning)) : "${pair[0]}-${pair[1]}" => {
    promise = pair[0], pace = local.burning[pair[1]]
  } }
}

resource "google_monitoring_custom_service" "trading" {
  project      = var.project
  service_id   = "ballast"
  display_name = "Trading (${local.name})"
  depends_on   = [google_project_service.api]
}

resource "google_logging_metric" "promises" {
  for_each = local.promises
  project  = var.project
  name     = "ballast/promises-${each.key}"
  filter   = "${local.workloads} AND jsonPayload.logger=\"ballast.promises\" AND jsonPayload.promise=\"${each.key}\""
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_logging_metric" "broken" {
  for_each = local.promises
  project  = var.project
  name     = "ballast/broken-${each.key}"
  filter   = "${google_logging_metric.promises[each.key].filter} AND jsonPayload.kept=\"broken\""
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_slo" "promises" {
  for_each            = local.promises
  project             = var.project
  service             = google_monitoring_custom_service.trading.service_id
  slo_id              = each.key
  display_name        = each.value.title
  goal                = each.value.goal
  rolling_period_days = 30
  request_based_sli {
    good_total_ratio {
      bad_service_filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.broken[each.key].name}\" AND ${local.pools_of}"
      total_service_filter = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.promises[each.key].name}\" AND ${local.pools_of}"
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each              = local.burns
  project               = var.project
  display_name          = "${local.promises[each.value.promise].title}: missed too often (${each.key}, ${local.name})"
  combiner              = "OR"
  severity              = each.value.pace.severity
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "burn rate above ${each.value.pace.rate}"
    condition_threshold {
      filter          = "select_slo_burn_rate(\"${google_monitoring_slo.promises[each.value.promise].id}\", \"${each.value.pace.window}\")"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.pace.rate
      duration        = "0s"
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "The lines of `ballast.promises` with kept=\"broken\" name each hour or order; docs/runbooks/incident-report.md says how to go on."
  }
}
