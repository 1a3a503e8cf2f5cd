# Plans one environment against a provider that creates nothing; the plan is judged by test_infrastructure.py.
mock_provider "google" {}

variables {
  project         = "ballast-test"
  project_number  = "123456789012"
  region          = "europe-west1"
  track           = "TRACK"
  image           = "europe-west1-docker.pkg.dev/p/ballast/ballast@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  training_image  = "europe-west1-docker.pkg.dev/p/ballast/training@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  mlflow_image    = "europe-west1-docker.pkg.dev/p/ballast/mlflow@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  domain          = "trading.example"
  temporal        = { address = "ns.account.tmprl.example:7233", namespace = "ns.account" }
  instruments     = ["BTC/USD", "ETH/USD"]
  next_rotation   = "2027-03-01T00:00:00Z"
  repository_id   = "987654321"
  alert_email     = "operators@trading.example"
  billing_account = "000000-000000-000000"
  image_readers   = []
  operators       = { ada = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
  mlflow_readers  = ["group:research@trading.example"]
  oidc            = { issuer = "https://accounts.example", client_id = "ballast" }
  secret_versions = {
    "database-url-api"     = "1"
    "database-url-workers" = "1"
    "database-url-owner"   = "1"
    "mlflow-database-url"  = "1"
    "temporal-key"         = "1"
    "sealing-key"          = "2"
    "kraken-key"           = "3"
    "kraken-secret"        = "3"
    "audit-key"            = "1"
    "oidc-client-secret"   = "1"
    "alerts"               = "1"
  }
}

run "plan" {
  command = plan
}
