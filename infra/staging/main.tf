# The whole of staging. What differs between environments stands here; everything else is one module.
terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
  # The bucket is named at `terraform init -backend-config=bucket=...`: it belongs to the project, not to the code.
  backend "gcs" {
    prefix = "staging"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

module "ballast" {
  source          = "../modules/ballast"
  environment     = "staging"
  mode            = "paper"
  track           = var.track
  project         = var.project
  project_number  = var.project_number
  region          = var.region
  image           = var.image
  training_image  = var.training_image
  mlflow_image    = var.mlflow_image
  domain          = var.domain
  temporal        = var.temporal
  instruments     = var.instruments
  secret_versions = var.secret_versions
  next_rotation   = var.next_rotation
  repository_id   = var.repository_id
  operators       = var.operators
  mlflow_readers  = var.mlflow_readers
  alert_email     = var.alert_email
  billing_account = var.billing_account
  oidc            = var.oidc
  image_readers   = var.image_readers
  database_tier   = "db-custom-1-3840"
  workers         = { market = 1, trading = 1, training = 0 }
  budget          = 300
  # A mistake in staging may be taken back.
  audit_days = 30
  lock_audit = false
}
