# The one way in for people: HTTPS by name, with limits at the edge.
resource "google_compute_global_address" "in" {
  project = var.project
  name    = "${local.name}-in"
}

resource "google_compute_region_network_endpoint_group" "api" {
  project               = var.project
  name                  = "${local.name}-api"
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = google_cloud_run_v2_service.api.name
  }
}

resource "google_compute_security_policy" "edge" {
  project = var.project
  name    = "${local.name}-edge"

  rule {
    priority    = 1000
    action      = "throttle"
    description = "No address may ask more than 600 times a minute."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 600
        interval_sec = 60
      }
    }
  }
  rule {
    priority    = 2147483647
    action      = "allow"
    description = "What stays below the limit."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_backend_service" "api" {
  project               = var.project
  name                  = "${local.name}-api"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.edge.id
  backend {
    group = google_compute_region_network_endpoint_group.api.id
  }
  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_url_map" "main" {
  project         = var.project
  name            = local.name
  default_service = google_compute_backend_service.api.id
}

resource "google_compute_managed_ssl_certificate" "main" {
  project = var.project
  name    = local.name
  managed {
    domains = [var.domain]
  }
}

resource "google_compute_ssl_policy" "main" {
  project         = var.project
  name            = local.name
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "main" {
  project          = var.project
  name             = local.name
  url_map          = google_compute_url_map.main.id
  ssl_certificates = [google_compute_managed_ssl_certificate.main.id]
  ssl_policy       = google_compute_ssl_policy.main.id
}

resource "google_compute_global_forwarding_rule" "main" {
  project               = var.project
  name                  = local.name
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.in.address
  port_range            = "443"
  target                = google_compute_target_https_proxy.main.id
}
