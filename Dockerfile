# Dependabot does not read build arguments: RELEASING.md says when to update this.
ARG GO_IMAGE=docker.io/library/golang:1.26.8@sha256:6c2a5538f964f1c82f97ad14988bf05de100d922d159d0e398b54c7b0ca0c6c9
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY main.go ./
COPY internal ./internal
ARG VERSION=
ARG TARGETOS=
ARG TARGETARCH=
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false -ldflags "-s -w -X xc-group-sync/internal/cli.version=${VERSION}" -o /xc-group-sync .
COPY scripts/licences.sh /licences.sh
RUN sh /licences.sh /usr/share/doc/ca-certificates/copyright >/LICENCES

# No USER and no WORKDIR: an action must run as root, because the runner's files for
# outputs and summary belong to root, and in the directory that the runner mounts.
# https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support
FROM scratch
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="xc-group-sync" \
      org.opencontainers.image.description="Keeps F5 Distributed Cloud user groups in sync with a CSV export of your directory" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /xc-group-sync /xc-group-sync
COPY LICENSE /LICENSE
COPY --from=build /LICENCES /LICENCES
ENTRYPOINT ["/xc-group-sync"]
