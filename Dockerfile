# Every RUN is a script that `make image` also runs in a bare Debian, so the image is tried without a Docker engine.
FROM debian:bookworm-slim AS build
COPY . /src
RUN /src/scripts/image-build /src /opt/ciranda

FROM debian:bookworm-slim
COPY scripts/image-runtime /tmp/image-runtime
RUN /tmp/image-runtime
COPY --from=build /opt/ciranda /opt/ciranda
USER ciranda
ENV CIRANDA_HTTP_HOST=0.0.0.0 CIRANDA_LOG_FORMAT=json
EXPOSE 8080/tcp 3478/udp 3478/tcp
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/opt/ciranda/bin/ciranda", "health"]
ENTRYPOINT ["/opt/ciranda/bin/ciranda"]
CMD ["serve"]
