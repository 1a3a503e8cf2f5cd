variable "project" {
  description = "Id of the project; one for each environment."
  type        = string
}

variable "project_number" {
  description = "Number of the same project; part of names that cannot be taken over by somebody else."
  type        = string
}

variable "environment" {
  description = "Which one this is."
  type        = string
  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "An environment is staging or production."
  }
}

variable "mode" {
  description = "What is traded: paper or live. Modes never share a database, so never a project."
  type        = string
  validation {
    condition     = contains(["paper", "live"], var.mode)
    error_message = "In the cloud the mode is paper or live."
  }
}

variable "track" {
  description = "The trading record that this environment writes."
  type        = string
  validation {
    condition     = startswith(var.track, "${var.mode}-")
    error_message = "The name of a track begins with its mode."
  }
}

variable "region" {
  description = "Where everything runs."
  type        = string
  default     = "europe-west1"
}

variable "image" {
  description = "The image, by digest: what was tested is what runs."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by its digest, not by a tag."
  }
}

variable "training_image" {
  description = "The image with the training stacks, by digest."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.training_image))
    error_message = "Name the image by its digest, not by a tag."
  }
}

variable "mlflow_image" {
  description = "MLflow's image, by digest."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.mlflow_image))
    error_message = "Name the image by its digest, not by a tag."
  }
}

variable "domain" {
  description = "Host name of the dashboard; its DNS record points at the output `address`."
  type        = string
}

variable "temporal" {
  description = "The engine: Temporal Cloud, or what modules/temporal-gke puts out."
  type        = object({ address = string, namespace = string })
}

variable "instruments" {
  description = "What is traded."
  type        = list(string)
}

variable "secret_versions" {
  description = "The version of each credential that runs; a rotation is a change of this map, and shows in a plan."
  type        = map(string)
  validation {
    condition     = alltrue([for version in values(var.secret_versions) : can(regex("^[1-9][0-9]*$", version))])
    error_message = "Pin a version by its number; `latest` would change under a running release."
  }
}

variable "database_tier" {
  description = "Machine of the database."
  type        = string
  default     = "db-custom-1-3840"
}

variable "workers" {
  description = "Instances of each worker pool."
  type        = object({ market = number, trading = number, training = number })
  default     = { market = 1, trading = 1, training = 0 }
  validation {
    condition     = var.workers.market == 1
    error_message = "Bars have one writer, so there is one market worker."
  }
  validation {
    condition     = var.workers.trading == 1
    error_message = "A venue's key has one owner, so there is one trading worker for each account."
  }
}

variable "repository_id" {
  description = "Number of the GitHub repository that may deploy; a name could be taken over, a number cannot."
  type        = string
  validation {
    condition     = can(regex("^[0-9]+$", var.repository_id))
    error_message = "The repository is named by its number."
  }
}

variable "alert_email" {
  description = "Who is woken."
  type        = string
}

variable "billing_account" {
  description = "Account that pays, for the budget."
  type        = string
}

variable "budget" {
  description = "What a month may cost, in the billing account's currency."
  type        = number
  default     = 500
}

variable "audit_days" {
  description = "How long nothing of the audit log can be deleted by anybody."
  type        = number
  default     = 3650
}

variable "lock_audit" {
  description = "Lock the retention for good: it can be lengthened afterwards, never shortened."
  type        = bool
  default     = true
}

variable "next_rotation" {
  description = "When somebody is first told to rotate the credentials, RFC 3339."
  type        = string
}

variable "image_readers" {
  description = "Who else may pull: production runs what staging built (its pipeline, and its Cloud Run service agent)."
  type        = list(string)
  default     = []
}

variable "operators" {
  description = "Who may review a halt in live: public keys (64 hexadecimal digits) by name."
  type        = map(string)
  default     = {}
}

variable "mlflow_readers" {
  description = "Who may open MLflow's own page, such as `group:research@example.com`."
  type        = list(string)
  default     = []
}

variable "oidc" {
  description = "Identity provider that people sign in at; null: by passwords of ours."
  type        = object({ issuer = string, client_id = string })
  default     = null
}
