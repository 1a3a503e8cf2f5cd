# For people who want to look, through `gcloud run services proxy`; workers use its database and bucket themselves.
resource "google_cloud_run_v2_service" "mlflow" {
  project             = var.project
  name                = "${local.name}-mlflow"
  location            = var.region
  deletion_protection = true
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"

  template {
    service_account       = google_service_account.of["mlflow"].email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = 0
      max_instance_count = 1
    }
    vpc_access {
      egress = "ALL_TRAFFIC"
      network_interfaces {
        network    = google_compute_network.main.id
        subnetwork = google_compute_subnetwork.main.id
      }
    }
    containers {
      image   = var.mlflow_image
      command = ["mlflow", "server"]
      args    = ["--host", "0.0.0.0", "--port", "8080", "--workers", "1", "--allowed-hosts", "*.run.app", "--artifacts-destination", "gs://${google_storage_bucket.of["models"].name}"]
      ports {
        container_port = 8080
      }
      dynamic "env" {
        for_each = {
          MLFLOW_ALLOW_PICKLE_DESERIALIZATION = "false"
          MLFLOW_DISABLE_TELEMETRY            = "true"
          MLFLOW_SERVER_ENABLE_JOB_EXECUTION  = "false"
        }
        content {
          name  = env.key
          value = env.value
        }
      }
      env {
        name = "MLFLOW_BACKEND_STORE_URI"
        value_source {
          secret_key_ref {
            secret  = google_secret_manager_secret.of["mlflow-database-url"].secret_id
            version = var.secret_versions["mlflow-database-url"]
          }
        }
      }
      resources {
        limits   = { cpu = "1", memory = "2Gi" }
        cpu_idle = true
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.reader]
}

resource "google_cloud_run_v2_service_iam_member" "mlflow" {
  for_each = toset(var.mlflow_readers)
  project  = var.project
  location = var.region
  name     = google_cloud_run_v2_service.mlflow.name
  role     = "roles/run.invoker"
  member   = each.value
}
