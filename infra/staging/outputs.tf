output "ballast" {
  description = "Addresses and names that the runbook asks for."
  value       = module.ballast
}
