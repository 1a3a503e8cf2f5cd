# What runs. Every container is the same image with another command, and gets its credentials by name and version.
locals {
  home  = "/var/lib/ballast"
  terms = "/etc/ballast"
  named = {
    for name in keys(local.secrets) :
    name => "secret:projects/${var.project_number}/secrets/${name}/versions/${var.secret_versions[name]}"
  }
  # Whose word about a caller's address is taken: Google's front ends and the balancer. Anybody's word would let a caller
  # choose an address, and with it escape the lock-out.
  proxies = join(",", ["169.254.0.0/16", "35.191.0.0/16", "130.211.0.0/22", google_compute_global_address.in.address])
  environment = {
    BALLAST_HOME         = local.home
    BALLAST_OTLP         = "https://telemetry.googleapis.com"
    GOOGLE_CLOUD_PROJECT = var.project
  }
}

resource "google_cloud_run_v2_service" "api" {
  project             = var.project
  name                = "${local.name}-api"
  location            = var.region
  deletion_protection = true
  # The balancer and the scheduler reach it, nobody else; it checks by itself who asks (docs/access.md). Checked by
  # Cloud Run too, a caller's token would arrive without its signature.
  ingress              = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  invoker_iam_disabled = true

  template {
    service_account       = google_service_account.of["api"].email
    execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
    # A stream of events may stay open for so long; the browser then asks again from its last event.
    timeout = "3600s"

    scaling {
      min_instance_count = 1
      max_instance_count = 4
    }

    vpc_access {
      egress = "ALL_TRAFFIC"
      network_interfaces {
        network    = google_compute_network.main.id
        subnetwork = google_compute_subnetwork.main.id
      }
    }

    volumes {
      name = "home"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "128Mi"
      }
    }

    containers {
      image = var.image
      args = concat([
        "api", "--mode", var.mode, "--host", "0.0.0.0", "--port", "8080", "--https", "--proxies", local.proxies,
        "--temporal", "${var.temporal.address}/${var.temporal.namespace}",
        ], var.oidc == null ? [] : [
        "--oidc", "${var.oidc.issuer},${var.oidc.client_id},https://${var.domain}/api/oidc/done",
      ])
      ports {
        container_port = 8080
      }

      dynamic "env" {
        for_each = merge(local.environment, {
          BALLAST_SCHEDULER       = "${google_service_account.of["scheduler"].email},${local.audience},${var.track}"
          BALLAST_OBJECTS         = local.raw
          BALLAST_BUNDLES         = local.shelf
          BALLAST_SEALING_VERSION = var.secret_versions["sealing-key"]
        })
        content {
          name  = env.key
          value = env.value
        }
      }
      dynamic "env" {
        for_each = {
          BALLAST_DATABASE           = "database-url-api"
          BALLAST_REGISTRY           = "mlflow-database-url"
          BALLAST_OIDC_CLIENT_SECRET = "oidc-client-secret"
          BALLAST_SEALING_KEY        = "sealing-key"
          BALLAST_TEMPORAL_KEY       = "temporal-key"
        }
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.of[env.value].secret_id
              version = var.secret_versions[env.value]
            }
          }
        }
      }

      volume_mounts {
        name       = "home"
        mount_path = local.home
      }
      resources {
        limits            = { cpu = "1", memory = "1Gi" }
        cpu_idle          = false
        startup_cpu_boost = true
      }
      startup_probe {
        period_seconds    = 5
        failure_threshold = 24
        http_get {
          path = "/api/openapi.json"
        }
      }
      liveness_probe {
        period_seconds    = 30
        failure_threshold = 4
        http_get {
          path = "/api/openapi.json"
        }
      }
    }
  }

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    # The pipeline moves traffic step by step and takes it back (.github/workflows/production.yml).
    ignore_changes = [traffic]
  }
  depends_on = [google_secret_manager_secret_iam_member.reader]
}

resource "google_cloud_run_v2_worker_pool" "of" {
  for_each            = toset(local.pools)
  project             = var.project
  name                = "${local.name}-${each.value}"
  location            = var.region
  deletion_protection = true

  # A pool has its processors for as long as an instance lives; nothing here sleeps between requests.
  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = var.workers[each.value]
  }

  template {
    service_account = google_service_account.of[each.value].email

    vpc_access {
      egress = "ALL_TRAFFIC"
      network_interfaces {
        network    = google_compute_network.main.id
        subnetwork = google_compute_subnetwork.main.id
      }
    }

    volumes {
      name = "home"
      empty_dir {
        medium     = "MEMORY"
        size_limit = each.value == "training" ? "8Gi" : "1Gi"
      }
    }
    dynamic "volumes" {
      for_each = contains(["market", "training"], each.value) ? [1] : []
      content {
        name = "bars"
        gcs {
          bucket    = google_storage_bucket.of["bars"].name
          read_only = each.value == "training"
        }
      }
    }
    volumes {
      name = "terms"
      secret {
        secret = google_secret_manager_secret.terms.secret_id
        items {
          path    = "worker.json"
          version = google_secret_manager_secret_version.terms.version
        }
      }
    }

    containers {
      image = each.value == "training" ? var.training_image : var.image
      args  = ["worker", "${local.terms}/worker.json", "--serve", each.value]

      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }
      volume_mounts {
        name       = "home"
        mount_path = local.home
      }
      dynamic "volume_mounts" {
        for_each = contains(["market", "training"], each.value) ? [1] : []
        content {
          name       = "bars"
          mount_path = "${local.home}/bars"
        }
      }
      volume_mounts {
        name       = "terms"
        mount_path = local.terms
      }
      resources {
        limits = each.value == "training" ? { cpu = "8", memory = "16Gi" } : { cpu = "2", memory = "4Gi" }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.reader, google_secret_manager_secret_iam_member.terms]
}

resource "google_cloud_run_v2_job" "of" {
  for_each = {
    migrate = { args = ["migrate"], secret = "database-url-owner", timeout = "900s", folders = {} }
    import = {
      args    = ["data", "import", "/import", "--venue", "kraken"]
      secret  = "database-url-workers"
      timeout = "21600s"
      folders = { bars = "${local.home}/bars", imports = "/import" }
    }
  }
  project             = var.project
  name                = "${local.name}-${each.key}"
  location            = var.region
  deletion_protection = true

  template {
    template {
      service_account       = google_service_account.of[each.key].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = each.value.timeout
      max_retries           = 0

      vpc_access {
        egress = "ALL_TRAFFIC"
        network_interfaces {
          network    = google_compute_network.main.id
          subnetwork = google_compute_subnetwork.main.id
        }
      }
      volumes {
        name = "home"
        empty_dir {
          medium     = "MEMORY"
          size_limit = "2Gi"
        }
      }
      dynamic "volumes" {
        for_each = each.value.folders
        content {
          name = volumes.key
          gcs {
            bucket    = google_storage_bucket.of[volumes.key].name
            read_only = volumes.key == "imports"
          }
        }
      }
      containers {
        image = var.image
        args  = each.value.args
        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }
        env {
          name = "BALLAST_DATABASE"
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.of[each.value.secret].secret_id
              version = var.secret_versions[each.value.secret]
            }
          }
        }
        volume_mounts {
          name       = "home"
          mount_path = local.home
        }
        dynamic "volume_mounts" {
          for_each = each.value.folders
          content {
            name       = volume_mounts.key
            mount_path = volume_mounts.value
          }
        }
        resources {
          limits = { cpu = "2", memory = "4Gi" }
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.reader]
}

# Opens the track and sets its schedules, once (docs/deploy.md); while it runs the trading pool must not.
resource "google_cloud_run_v2_job" "enrol" {
  project             = var.project
  name                = "${local.name}-enrol"
  location            = var.region
  deletion_protection = true

  template {
    template {
      service_account       = google_service_account.of["trading"].email
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      timeout               = "600s"
      max_retries           = 0

      vpc_access {
        egress = "ALL_TRAFFIC"
        network_interfaces {
          network    = google_compute_network.main.id
          subnetwork = google_compute_subnetwork.main.id
        }
      }
      volumes {
        name = "home"
        empty_dir {
          medium     = "MEMORY"
          size_limit = "512Mi"
        }
      }
      volumes {
        name = "terms"
        secret {
          secret = google_secret_manager_secret.terms.secret_id
          items {
            path    = "worker.json"
            version = google_secret_manager_secret_version.terms.version
          }
        }
      }
      containers {
        image = var.image
        args  = ["enrol", "${local.terms}/worker.json"]
        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }
        volume_mounts {
          name       = "home"
          mount_path = local.home
        }
        volume_mounts {
          name       = "terms"
          mount_path = local.terms
        }
        resources {
          limits = { cpu = "1", memory = "2Gi" }
        }
      }
    }
  }
  depends_on = [google_secret_manager_secret_iam_member.reader, google_secret_manager_secret_iam_member.terms]
}
