# The service for a cluster: POSTGRES_URL, IMBI_AUTH_JWT_SECRET and IMBI_INTERNAL_API_URL are given at its start.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /build
COPY pyproject.toml ./
COPY functions functions
COPY shared shared
COPY cli.py ./
COPY local_server.py ./
COPY container container
RUN sh container/install.sh /opt/imbi-assistant

FROM python:${PYTHON}-slim
RUN useradd --system --uid 10001 --no-create-home imbi
COPY --from=build /opt/imbi-assistant /opt/imbi-assistant
ENV PATH=/opt/imbi-assistant/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ENVIRONMENT=production
USER imbi
EXPOSE 8002
# A stop lets answers end: give it longer than the ten seconds that it takes (docker stop --time 20).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8002/status', timeout=4)"]
ENTRYPOINT ["imbi-assistant"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8002"]
