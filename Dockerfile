# docker build -t copper-tf .
# docker build -t copper-tf:gpu --build-arg EXTRAS=app,export,gpu .
# docker run --rm -v "$PWD:/data" copper-tf fit PICTURES -o OUT
FROM python:3.11-slim

ARG EXTRAS=app,export

WORKDIR /src
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
COPY copper_tf copper_tf
COPY tfds_copper tfds_copper
COPY tuning tuning
RUN pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]" && rm -rf build

# Results belong to whoever runs it with --user; none of our programs writes outside /data and /tmp.
ENV HOME=/tmp
USER 1000:1000
WORKDIR /data
ENTRYPOINT ["copper"]
