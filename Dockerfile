# syntax=docker/dockerfile:1
# The image of Millrace: one static binary, CA certificates and a few folders. Time zones are inside the binary.
ARG GO_IMAGE=golang:1.26-alpine

FROM ${GO_IMAGE} AS build
ARG VERSION=0.1.0
ARG TARGETOS=linux
ARG TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false -ldflags "-s -w -buildid= -X main.version=${VERSION}" -o /out/millrace ./cmd/millrace
# The folders of both Logstash images, owned by the user that the process runs as.
RUN mkdir -p /root-fs/usr/share/logstash/config /root-fs/usr/share/logstash/pipeline /root-fs/usr/share/logstash/data /root-fs/logstash_conf \
      /root-fs/etc/logstash/conf.d /root-fs/tmp /root-fs/usr/local/bin /root-fs/etc/ssl/certs \
 && cp /out/millrace /root-fs/usr/local/bin/millrace \
 && ln -s millrace /root-fs/usr/local/bin/logstash \
 && if [ -e /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt /root-fs/etc/ssl/certs/; fi \
 && printf 'logstash:x:1000:1000::/usr/share/logstash:/sbin/nologin\n' > /root-fs/etc/passwd \
 && printf 'logstash:x:1000:\n' > /root-fs/etc/group \
 && chmod 1777 /root-fs/tmp && chown -R 1000:1000 /root-fs/usr/share/logstash /root-fs/logstash_conf /root-fs/etc/logstash

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Millrace" \
      org.opencontainers.image.description="Ships logs: Logstash's pipelines in one small binary" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /root-fs/ /
ENV PATH=/usr/local/bin ELASTIC_CONTAINER=true API_HTTP_HOST=0.0.0.0 PATH_DATA=/usr/share/logstash/data
WORKDIR /usr/share/logstash
USER 1000:1000
EXPOSE 9000 9600 5044
VOLUME ["/usr/share/logstash/data"]
HEALTHCHECK --interval=10s --timeout=4s --start-period=5s CMD ["millrace", "healthcheck"]
ENTRYPOINT ["millrace"]
