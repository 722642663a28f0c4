# Builds the program, then puts it alone into a small image that runs as an unprivileged user, on a read-only root if you like.
#
#   docker build -t abstractor:0.1.0 .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1:8080:8080 \
#       -v abstractor-data:/data -v /etc/abstractor/site.key:/run/secrets/site.key:ro abstractor:0.1.0
#
# The key file is made once by `abstractor key generate FILE`, outside of the image, and has to be readable by user 10001.
# Users and tokens: the same mounts, with `user add ...` or `token add ...` in place of the default `serve`.
# Model and vocabularies are in the program. TLS is a reverse proxy's, or the program's own where [tls] of its configuration says so. deploy/README.md tells of Compose and Kubernetes.

FROM rust:1.95.0-bookworm AS builder
WORKDIR /build
# nobody reads the names of functions in the image; the place of a panic stays
ENV CARGO_PROFILE_RELEASE_STRIP=symbols
# Only what the build reads, so that a data folder or a key beside it never enters a layer; .dockerignore names the same.
COPY Cargo.toml Cargo.lock askama.toml ARCHITECTURE.md ./
COPY vocabularies ./vocabularies
COPY models/clinical-ner ./models/clinical-ner
COPY encoder ./encoder
COPY deploy/monitoring/metrics.tsv ./deploy/monitoring/
# a member of the workspace, and a target that the manifest names, must be there to be left out
COPY eval/Cargo.toml ./eval/
COPY eval/src ./eval/src
COPY tests/it/main.rs ./tests/it/
COPY src ./src
RUN cargo build --release --locked --bin abstractor

# the release that the builder has, so that the C library is the same
FROM debian:12.11-slim
LABEL org.opencontainers.image.title="abstractor" \
      org.opencontainers.image.description="Turns diagnoses, medications and allergies in clinical notes into coded entries with evidence, queued for review" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin abstractor \
    && install --directory --owner=abstractor --group=abstractor --mode=0700 /data
# who the machine trusts: TLS to PostgreSQL and to webhooks asks it
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY LICENSE NOTICE /usr/share/doc/abstractor/
COPY --from=builder /build/target/release/abstractor /usr/local/bin/abstractor
USER 10001:10001
# `demo` and `extract` need neither key nor data folder. It listens within the container alone; who publishes the port elsewhere than on
# 127.0.0.1 puts a proxy with TLS in front, or gives [tls] of the configuration a certificate.
ENV ABSTRACTOR_DATA=/data \
    ABSTRACTOR_KEY_FILE=/run/secrets/site.key \
    ABSTRACTOR_LISTEN=0.0.0.0:8080 \
    ABSTRACTOR_BEHIND_PROXY=true \
    ABSTRACTOR_CACHE=/data/cache
VOLUME ["/data"]
EXPOSE 8080
# of `serve` and `worker`, where ABSTRACTOR_LISTEN says; Kubernetes asks by itself
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["abstractor", "health"]
ENTRYPOINT ["abstractor"]
CMD ["serve"]
