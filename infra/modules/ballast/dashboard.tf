# Health first, trading second, machines third.
locals {
  user = "metric.type=\"logging.googleapis.com/user"
  charts = concat(
    [for name, told in local.told : { title = told.what, filter = "${local.user}/ballast/${name}\"", aligner = "ALIGN_SUM" }],
    [
      { title = "Error lines", filter = "${local.user}/ballast/errors\"", aligner = "ALIGN_SUM" },
      { title = "Hours judged", filter = "${local.user}/ballast/promises-hour\"", aligner = "ALIGN_SUM" },
      { title = "Hours late", filter = "${local.user}/ballast/broken-hour\"", aligner = "ALIGN_SUM" },
      { title = "Orders unknown for too long", filter = "${local.user}/ballast/broken-order\"", aligner = "ALIGN_SUM" },
      { title = "Workers: processor", filter = "metric.type=\"run.googleapis.com/container/cpu/utilizations\" AND resource.type=\"cloud_run_worker_pool\"", aligner = "ALIGN_PERCENTILE_99" },
      { title = "Workers: memory", filter = "metric.type=\"run.googleapis.com/container/memory/utilizations\" AND resource.type=\"cloud_run_worker_pool\"", aligner = "ALIGN_PERCENTILE_99" },
      { title = "Database: connections", filter = "metric.type=\"cloudsql.googleapis.com/database/postgresql/num_backends\"", aligner = "ALIGN_MEAN" },
      { title = "Database: disk", filter = "metric.type=\"cloudsql.googleapis.com/database/disk/utilization\"", aligner = "ALIGN_MEAN" },
    ],
  )
}

resource "google_monitoring_dashboard" "main" {
  project    = var.project
  depends_on = [google_logging_metric.told, google_logging_metric.errors, google_logging_metric.broken]
  dashboard_json = jsonencode({
    displayName = "Ballast (${var.environment})"
    mosaicLayout = {
      columns = 48
      tiles = [for index, chart in local.charts : {
        xPos   = (index % 4) * 12
        yPos   = floor(index / 4) * 12
        width  = 12
        height = 12
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType        = "LINE"
              timeSeriesQuery = { timeSeriesFilter = { filter = chart.filter, aggregation = { alignmentPeriod = "300s", perSeriesAligner = chart.aligner } } }
            }]
          }
        }
      }]
    }
  })
}
