# The users and their passwords are made by hand (docs/deploy.md): a password here would end up in the state.
resource "google_sql_database_instance" "main" {
  project             = var.project
  name                = local.name
  region              = var.region
  database_version    = "POSTGRES_17"
  deletion_protection = true
  depends_on          = [google_service_networking_connection.services]

  settings {
    tier                        = var.database_tier
    edition                     = "ENTERPRISE"
    availability_type           = var.environment == "production" ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = true
    retain_backups_on_delete    = true
    disk_type                   = "PD_SSD"
    disk_autoresize             = true

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      ssl_mode        = "ENCRYPTED_ONLY"
      server_ca_mode  = "GOOGLE_MANAGED_INTERNAL_CA"
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "02:30"
      location                       = "eu"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = 30
        retention_unit   = "COUNT"
      }
    }

    # A restart of seconds in the quietest hour of the week; activities try again.
    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled  = true
      record_application_tags = true
    }

    dynamic "database_flags" {
      for_each = {
        "cloudsql.enable_pgaudit"    = "on"
        "log_checkpoints"            = "on"
        "log_connections"            = "on"
        "log_disconnections"         = "on"
        "log_hostname"               = "on"
        "log_lock_waits"             = "on"
        "log_min_error_statement"    = "error"
        "log_min_duration_statement" = "1000"
        "log_statement"              = "ddl"
        "log_temp_files"             = "0"
        "pgaudit.log"                = "ddl,role"
      }
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_sql_database" "of" {
  for_each = toset(["ballast", "mlflow"])
  project  = var.project
  name     = each.value
  instance = google_sql_database_instance.main.name
}
