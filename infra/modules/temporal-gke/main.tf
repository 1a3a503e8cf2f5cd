# Your own Temporal instead of Temporal Cloud: a private cluster without nodes of yours, and a database of its own.
# The server itself is installed by its chart (README.md); this makes what it stands on.
terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Where it runs; the same as the workers."
  type        = string
}

variable "network" {
  description = "Network of the environment, which already peers with Google's services."
  type        = string
}

variable "subnetwork" {
  description = "Subnetwork of the environment."
  type        = string
}

variable "administrators" {
  description = "Networks from which the cluster may be administered; none: from inside the network only."
  type        = list(string)
  default     = []
}

resource "google_service_account" "nodes" {
  project      = var.project
  account_id   = "temporal-nodes"
  display_name = "Machines of Temporal"
}

resource "google_project_iam_member" "nodes" {
  for_each = toset(["roles/logging.logWriter", "roles/monitoring.metricWriter"])
  project  = var.project
  role     = each.value
  member   = google_service_account.nodes.member
}

resource "google_container_cluster" "temporal" {
  project             = var.project
  name                = "temporal"
  location            = var.region
  enable_autopilot    = true
  resource_labels     = { part = "temporal" }
  deletion_protection = true
  network             = var.network
  subnetwork          = var.subnetwork

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
  }
  master_authorized_networks_config {
    dynamic "cidr_blocks" {
      for_each = var.administrators
      content {
        cidr_block = cidr_blocks.value
      }
    }
  }
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }
  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }
  release_channel {
    channel = "STABLE"
  }
  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }
  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = google_service_account.nodes.email
    }
  }
}

resource "google_sql_database_instance" "temporal" {
  project             = var.project
  name                = "temporal"
  region              = var.region
  database_version    = "POSTGRES_17"
  deletion_protection = true

  settings {
    tier                        = "db-custom-2-7680"
    edition                     = "ENTERPRISE"
    availability_type           = "REGIONAL"
    deletion_protection_enabled = true
    retain_backups_on_delete    = true
    ip_configuration {
      ipv4_enabled    = false
      private_network = var.network
      ssl_mode        = "ENCRYPTED_ONLY"
    }
    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_sql_database" "of" {
  for_each = toset(["temporal", "temporal_visibility"])
  project  = var.project
  name     = each.value
  instance = google_sql_database_instance.temporal.name
}

resource "google_compute_address" "frontend" {
  project      = var.project
  name         = "temporal-frontend"
  region       = var.region
  address_type = "INTERNAL"
  subnetwork   = var.subnetwork
}

output "temporal" {
  description = "For the variable `temporal` of the environment."
  value       = { address = "${google_compute_address.frontend.address}:7233", namespace = "ballast" }
}

output "database_address" {
  description = "Host of the server's databases."
  value       = google_sql_database_instance.temporal.private_ip_address
}
