# Two stages: a compiler, then only the program with its networks, services and nothing to log into.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo build --release --locked && cp target/release/auscult /auscult

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/auscult --create-home auscult
WORKDIR /var/lib/auscult
COPY --from=build /auscult /usr/local/bin/auscult
COPY models /usr/share/auscult/models
COPY cds-hooks /usr/share/auscult/cds-hooks
ENV AUSCULT__MODELS=/usr/share/auscult/models AUSCULT__DEFINITIONS=/usr/share/auscult/cds-hooks
USER auscult
EXPOSE 8080
ENTRYPOINT ["auscult"]
