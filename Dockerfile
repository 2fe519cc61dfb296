# The image of Millrace: one static binary, CA certificates, and the folders of both Logstash images. Time zones are inside the binary.
# See docs/IMAGE.md.
ARG GO_IMAGE=golang:1.26-alpine

# The compiler runs on the machine's own architecture and compiles for TARGETARCH: nothing is emulated. The classic builder, which does
# not set BUILDPLATFORM, takes the default.
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.1.0
ARG TARGETOS=linux
ARG TARGETARCH
# One time stamp for all files: the same sources make the same layer.
ARG SOURCE_DATE_EPOCH=0
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
      go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=${VERSION}" -o /out/millrace ./cmd/millrace
# Scripts and compose files call the program by four names; those of both Logstash images are links.
RUN set -eu; fs=/root-fs; home=$fs/usr/share/logstash; \
    mkdir -p $home/config $home/pipeline $home/data $home/bin $fs/logstash_conf $fs/etc/logstash/conf.d $fs/etc/ssl/certs $fs/usr/local/bin $fs/opt $fs/tmp; \
    cp /out/millrace $fs/usr/local/bin/millrace; \
    ln -s millrace $fs/usr/local/bin/logstash; \
    ln -s millrace $fs/usr/local/bin/docker-entrypoint; \
    ln -s /usr/local/bin/millrace $home/bin/logstash; \
    ln -s /usr/share/logstash $fs/opt/logstash; \
    cp /etc/ssl/certs/ca-certificates.crt $fs/etc/ssl/certs/; \
    printf 'api.http.host: "0.0.0.0"\n' > $home/config/logstash.yml; \
    printf 'root:x:0:0::/:/sbin/nologin\nlogstash:x:1000:1000::/usr/share/logstash:/sbin/nologin\n' > $fs/etc/passwd; \
    printf 'root:x:0:\nlogstash:x:1000:\n' > $fs/etc/group; \
    chmod 1777 $fs/tmp; \
    chown -R 1000:1000 $home $fs/logstash_conf $fs/etc/logstash; \
    find $fs -exec touch -h -d "@${SOURCE_DATE_EPOCH}" {} +

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=""
ARG CREATED=""
ARG SOURCE=""
LABEL org.opencontainers.image.title="Millrace" \
      org.opencontainers.image.description="Ships logs: Logstash's pipelines in one small binary" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="scratch"
COPY --from=build /root-fs/ /
# ELASTIC_CONTAINER: settings may come from the environment, PIPELINE_WORKERS for pipeline.workers.
ENV PATH=/usr/local/bin ELASTIC_CONTAINER=true
WORKDIR /usr/share/logstash
USER 1000:1000
EXPOSE 9000 9600 5044
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=5s CMD ["millrace", "healthcheck"]
ENTRYPOINT ["millrace"]
