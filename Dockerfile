# Two images: `control` for every actor of the control plane, the bus and `setup`; `node` for a node, with the programs that
# run containers. Nothing secret goes into either: `setup` makes certificates and credentials into volumes.
FROM node:26-bookworm-slim AS control-programs
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -o Acquire::Retries=5 update -qq \
 && apt-get -o Acquire::Retries=5 install -y -qq --no-install-recommends nats-server \
 && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production NODE_COMPILE_CACHE=/opt/flotilla/cache FLOTILLA_HOME=/flotilla FLOTILLA_READY_DIR=/run/flotilla
RUN ln -s /opt/flotilla/cli/bin.js /usr/local/bin/flotilla
WORKDIR /opt/flotilla
CMD ["flotilla", "--help"]

FROM control-programs AS node-programs
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get -o Acquire::Retries=5 update -qq \
 && apt-get -o Acquire::Retries=5 install -y -qq --no-install-recommends \
    containerd runc containernetworking-plugins nftables conntrack iproute2 mount busybox-static \
 && rm -rf /var/lib/apt/lists/*

FROM control-programs AS source
COPY package.json package-lock.json ./
# Optional packages are other ways to get Node, and a native codec that is not needed.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
# Compiled once here: a dozen processes would each do it again at every start.
RUN chmod +x cli/bin.js && node launcher/prime-cache.ts

FROM control-programs AS control
COPY --from=source /opt/flotilla /opt/flotilla

FROM node-programs AS node
COPY --from=source /opt/flotilla /opt/flotilla
# The demo's image, from busybox: no registry is asked.
RUN node -e "import('./launcher/image/build-archive.ts').then((made) => made.buildWebImage('/opt/flotilla/images/web.oci.tar'))"
