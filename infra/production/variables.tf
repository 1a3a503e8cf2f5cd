# Described in modules/ballast/variables.tf; values come from a file that is not in the repository.
variable "project" { type = string }
variable "project_number" { type = string }
variable "region" { type = string }
variable "track" { type = string }
variable "image" { type = string }
variable "training_image" { type = string }
variable "mlflow_image" { type = string }
variable "domain" { type = string }
variable "temporal" { type = object({ address = string, namespace = string }) }
variable "instruments" { type = list(string) }
variable "secret_versions" { type = map(string) }
variable "next_rotation" { type = string }
variable "repository_id" { type = string }
variable "alert_email" { type = string }
variable "billing_account" { type = string }
variable "operators" { type = map(string) }
variable "mlflow_readers" { type = list(string) }
variable "oidc" { type = object({ issuer = string, client_id = string }) }
