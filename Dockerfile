# One image for every role of Daybook: api, project, worker, beat, flower, migrate. docker/entrypoint.sh chooses.
FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.13-slim AS build
# For strip. Its version does not reach the image.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_PROJECT_ENVIRONMENT=/opt/daybook UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never \
    UV_PYTHON=/usr/local/bin/python3
WORKDIR /src
# The packages change seldom: their layer is kept as long as the lock file stays.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-cache --no-default-groups --no-install-project
COPY LICENSE README.md ./
COPY domain domain
COPY application application
COPY infrastructure infrastructure
COPY projections projections
COPY interfaces interfaces
COPY docker/slim.sh docker/imported.py docker/
RUN uv sync --frozen --no-cache --no-default-groups --no-editable \
 && docker/slim.sh /opt/daybook/lib/python3.13/site-packages \
 && /opt/daybook/bin/python /src/docker/imported.py

FROM python:3.13-slim
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Daybook" \
      org.opencontainers.image.description="An event-sourced appointment-booking backend" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
RUN groupadd --gid 10001 daybook \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin daybook \
 && install --directory --owner=10001 --group=10001 /var/lib/daybook
COPY --from=build /opt/daybook /opt/daybook
COPY docker/entrypoint.sh docker/healthcheck.sh docker/gunicorn.conf.py /usr/local/share/daybook/
ENV PATH=/opt/daybook/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8
WORKDIR /tmp
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --start-interval=1s --retries=3 \
    CMD ["/usr/local/share/daybook/healthcheck.sh"]
ENTRYPOINT ["/usr/local/share/daybook/entrypoint.sh"]
CMD ["api"]
