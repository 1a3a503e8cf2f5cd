# Three sources: what the product says of itself (a line for each alert of its outbox), what a line's absence says,
# and what the platform measures. tests/infra/test_alerts_are_real.py makes each line happen and finds it.
locals {
  workloads = "resource.type=(\"cloud_run_revision\" OR \"cloud_run_worker_pool\")"
  said      = "${local.workloads} AND jsonPayload.logger=\"ballast.alerts\""
  halted    = "jsonPayload.kind=\"halt\" AND jsonPayload.message=~"
  pools_of  = "resource.type=\"cloud_run_worker_pool\""

  told = {
    "late-hour"     = { severity = "ERROR", page = "halt", filter = "jsonPayload.kind=\"late-hour\"", what = "An hour began too late for entries." }
    "failed-hour"   = { severity = "CRITICAL", page = "incident-report", filter = "jsonPayload.kind=\"failed-hour\"", what = "An hour of a portfolio failed." }
    "halt"          = { severity = "CRITICAL", page = "halt", filter = "jsonPayload.kind=\"halt\"", what = "A portfolio halted; only people can resume it." }
    "kill-switch"   = { severity = "CRITICAL", page = "halt", filter = "jsonPayload.kind=\"kill-switch\"", what = "The kill switch moved: entries stopped, or may go on." }
    "mismatch"      = { severity = "CRITICAL", page = "reconcile-by-hand", filter = "${local.halted}\"reconciliation mismatch\"", what = "The venue's books and ours differ." }
    "unknown-order" = { severity = "CRITICAL", page = "unknown-order", filter = "${local.halted}\"unknown order\"", what = "Nobody knows what became of an order." }
    "proof"         = { severity = "CRITICAL", page = "incident-report", filter = "${local.halted}\"proof failure\"", what = "An hour could not be proved." }
    "stale"         = { severity = "ERROR", page = "incident-report", filter = "jsonPayload.kind=\"kill-switch\" AND jsonPayload.message=~\"data integrity\"", what = "Market data is too old or too thin to trade on." }
    "audit-log"     = { severity = "CRITICAL", page = "incident-report", filter = "jsonPayload.kind=\"audit-log\"", what = "The audit log could not be sealed." }
    # Whatever else is told one day wakes somebody too; a resume is good news, but somebody must have wanted it.
    "other" = { severity = "WARNING", page = "incident-report", filter = "jsonPayload.alert=~\".\" AND jsonPayload.kind!~\"^(late-hour|failed-hour|halt|kill-switch|audit-log)$\"", what = "Something else that people should know." }
  }
}

resource "google_monitoring_notification_channel" "people" {
  project      = var.project
  display_name = "Operators of ${local.name}"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.api]
}

resource "google_logging_metric" "told" {
  for_each = local.told
  project  = var.project
  name     = "ballast/${each.key}"
  filter   = "${local.said} AND ${each.value.filter}"
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_logging_metric" "errors" {
  project = var.project
  name    = "ballast/errors"
  filter  = "${local.workloads} AND severity>=ERROR"
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "told" {
  for_each              = local.told
  project               = var.project
  display_name          = "${each.value.what} (${local.name})"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = each.key
    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.told[each.key].name}\" AND resource.type=\"cloud_run_worker_pool\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.what} What to do: docs/runbooks/${each.value.page}.md"
  }
}

# An hour that nobody even began leaves no line, and that is what is noticed.
resource "google_monitoring_alert_policy" "no_hour" {
  project               = var.project
  display_name          = "No hour was decided (${local.name})"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "nothing was judged for 75 minutes"
    condition_absent {
      filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.promises["hour"].name}\" AND ${local.pools_of}"
      duration = "4500s"
      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_COUNT"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "Neither clock started an hour, or no worker of `trading` lives. What to do: docs/runbooks/incident-report.md"
  }
}

# A pool that should have instances and has none cannot say so itself.
resource "google_monitoring_alert_policy" "worker_absent" {
  for_each              = { for pool, count in var.workers : pool => count if count > 0 }
  project               = var.project
  display_name          = "No ${each.key} worker runs (${local.name})"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "no instance for five minutes"
    condition_absent {
      filter   = "metric.type=\"run.googleapis.com/container/cpu/utilizations\" AND resource.type=\"cloud_run_worker_pool\" AND resource.labels.worker_pool_name=\"${google_cloud_run_v2_worker_pool.of[each.key].name}\""
      duration = "300s"
      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_COUNT"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "Orders under way are safe: stops rest at the venue. Roll back or start the pool: docs/deploy.md."
  }
}

resource "google_monitoring_alert_policy" "errors" {
  project               = var.project
  display_name          = "Too many errors (${local.name})"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = [google_monitoring_notification_channel.people.id]

  conditions {
    display_name = "more than 20 error lines in five minutes"
    condition_threshold {
      filter          = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.errors.name}\" AND resource.type=one_of(\"cloud_run_revision\", \"cloud_run_worker_pool\")"
      comparison      = "COMPARISON_GT"
      threshold_value = 20
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "Read the lines in the log bucket ballast-lines; docs/runbooks/incident-report.md says how to go on."
  }
}

resource "google_billing_budget" "month" {
  billing_account = var.billing_account
  display_name    = local.name
  budget_filter {
    projects = ["projects/${var.project_number}"]
  }
  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  all_updates_rule {
    monitoring_notification_channels = [google_monitoring_notification_channel.people.id]
  }
}
