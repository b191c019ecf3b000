# A static binary on nothing else. Mount a configuration directory at /etc/recoverbot and keep /var/lib/recoverbot; user
# 65532 must be able to write to both: roles and host keys of new machines are written beside fleet.yaml.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X main.version=${VERSION}" -o /recoverbot . \
 && mkdir -p /empty/var/lib/recoverbot /empty/etc/recoverbot

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build --chown=65532:65532 /empty/ /
COPY --from=build /recoverbot /recoverbot
USER 65532:65532
WORKDIR /etc/recoverbot
VOLUME /var/lib/recoverbot
ENV DATABASE_URL=sqlite:///var/lib/recoverbot/journal.db HTTP_ADDR=0.0.0.0:8080 FLEET_FILE=/etc/recoverbot/fleet.yaml
EXPOSE 8080
ENTRYPOINT ["/recoverbot"]
CMD ["serve"]
