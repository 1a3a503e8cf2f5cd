-- Beside ballast's own: the registry of releases. Temporal makes its two by itself.
CREATE DATABASE mlflow;
