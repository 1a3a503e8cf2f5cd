output "address" {
  description = "Point the domain's A record here."
  value       = google_compute_global_address.in.address
}

output "outgoing_address" {
  description = "Bind the Kraken key to this address."
  value       = google_compute_address.out.address
}

output "database_address" {
  description = "Host of the database's URLs."
  value       = google_sql_database_instance.main.private_ip_address
}

output "federation" {
  description = "For the pipeline: provider and identity."
  value = {
    provider = google_iam_workload_identity_pool_provider.github.name
    identity = google_service_account.of["deployer"].email
  }
}

output "images" {
  description = "Where images go."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}
