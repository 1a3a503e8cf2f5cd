resource "google_artifact_registry_repository" "images" {
  project       = var.project
  location      = var.region
  repository_id = "ballast"
  format        = "DOCKER"
  description   = "Images, signed and never overwritten."
  depends_on    = [google_project_service.api]

  docker_config {
    immutable_tags = true
  }

  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }

  cleanup_policies {
    id     = "keep-what-a-rollback-needs"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "reader" {
  for_each   = toset(var.image_readers)
  project    = var.project
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = each.value
}
