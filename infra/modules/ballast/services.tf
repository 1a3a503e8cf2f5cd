locals {
  name = "ballast-${var.environment}"
  apis = [
    "artifactregistry", "billingbudgets", "cloudscheduler", "compute", "iam", "iamcredentials", "logging", "monitoring",
    "run", "secretmanager", "servicenetworking", "sqladmin", "storage", "sts", "cloudtrace", "telemetry",
  ]
}

resource "google_project_service" "api" {
  for_each           = toset(local.apis)
  project            = var.project
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false
}
