# syntax=docker/dockerfile:1
# One image; what it does is its command: worker, api, migrate, simulator, or any other `ballast` command.
#   docker build --build-arg PYTHON=python@sha256:... --build-arg NODE=node@sha256:... -t ballast .
#   docker build --target training ...     the same with the training stacks
# The bases are given by digest, so that a rebuild is a rebuild; the defaults are for a first try.
ARG PYTHON=python:3.11-slim-bookworm
ARG NODE=node:20-bookworm-slim

FROM ${NODE} AS dashboard
WORKDIR /web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

# Compilers and installers stay here; what runs gets the finished environment alone.
FROM ${PYTHON} AS packages
ARG UV=0.9.7
ENV PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
RUN pip install "uv==${UV}" && uv venv /usr/lib/ballast
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN uv pip install --python /usr/lib/ballast/bin/python -c constraints.txt -r pyproject.toml --extra gcp
COPY . .
RUN uv pip install --python /usr/lib/ballast/bin/python --no-deps .
COPY --from=dashboard /web/out /usr/lib/ballast/lib/python3.11/site-packages/web/out

FROM packages AS training-packages
RUN uv pip install --python /usr/lib/ballast/bin/python --torch-backend=cpu -c constraints.txt \
    -r pyproject.toml --extra gcp --extra train

FROM ${PYTHON} AS runtime
ARG VERSION=unknown
LABEL org.opencontainers.image.title="ballast" org.opencontainers.image.version="${VERSION}"
RUN groupadd --gid 10001 ballast \
    && useradd --uid 10001 --gid ballast --no-create-home --shell /usr/sbin/nologin ballast \
    && install -d -o ballast -g ballast /var/lib/ballast /models \
    && pip uninstall -y pip setuptools wheel
# What is healthy depends on the command: compose.yaml and infra/ ask the API's page and a worker's metrics.
# The tree is read-only for whoever runs; the home and /tmp are all that is written to.
ENV PATH=/usr/lib/ballast/bin:$PATH \
    BALLAST_HOME=/var/lib/ballast \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/ballast
VOLUME /var/lib/ballast
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["ballast"]
CMD ["--help"]

# MLflow's server, for those who run one: the release registry on PostgreSQL, its files in a bucket or a folder.
FROM ${PYTHON} AS mlflow
RUN pip install --no-cache-dir mlflow==3.17.2 sqlalchemy==2.1.9 "psycopg[binary]==3.3.9" google-cloud-storage==3.17.1 \
    && useradd --uid 10001 --create-home mlflow \
    && install -d -o mlflow /models
ENV MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["mlflow", "server", "--host", "0.0.0.0", "--port", "8080", "--workers", "1"]

FROM runtime AS training
COPY --from=training-packages /usr/lib/ballast /usr/lib/ballast
USER 10001:10001

# The last one is what a plain build makes: without the training stacks.
FROM runtime AS slim
COPY --from=packages /usr/lib/ballast /usr/lib/ballast
USER 10001:10001
