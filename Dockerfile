# Builds the program, then puts it alone into a small image that runs as an unprivileged user.
#
#   docker build -t abstractor .
#   docker run -p 127.0.0.1:8080:8080 -v abstractor-data:/data \
#       -v /etc/abstractor/site.key:/run/secrets/site.key:ro abstractor
#
# The key file is made once by `abstractor key generate FILE`, outside of the image, and has to be readable by user 10001.
# Users and tokens: the same mounts, with `user add ...` or `token add ...` in place of the default `serve`.
# TLS is a reverse proxy's.

FROM rust:1.95-bookworm AS builder
WORKDIR /build
# Only what the build reads, so that a data folder or a key beside it never enters a layer.
COPY *.toml Cargo.lock ARCHITECTURE.md ./
COPY vocabularies ./vocabularies
COPY models/clinical-ner ./models/clinical-ner
COPY encoder ./encoder
# a member of the workspace must be there to be left out
COPY eval/Cargo.toml ./eval/
COPY eval/src ./eval/src
COPY tests ./tests
COPY src ./src
RUN cargo build --release --locked --bin abstractor

FROM debian:bookworm-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin abstractor \
    && install --directory --owner=abstractor --group=abstractor --mode=0700 /data
COPY --from=builder /build/target/release/abstractor /usr/local/bin/abstractor
COPY LICENSE NOTICE /usr/share/doc/abstractor/
USER 10001:10001
# `demo` and `extract` need neither key nor data folder.
ENV ABSTRACTOR_DATA=/data \
    ABSTRACTOR_KEY_FILE=/run/secrets/site.key \
    ABSTRACTOR_LISTEN=0.0.0.0:8080 \
    ABSTRACTOR_CACHE=/data/cache
VOLUME ["/data"]
EXPOSE 8080
ENTRYPOINT ["abstractor"]
CMD ["serve"]
