// Decides what the demo's container does: it answers on port 8080 with its host name, and at its end drains, so that a
// rolling update loses no request. Never runs here.

/**
 * On TERM it goes on serving for DRAIN_SECONDS: the kubelet says TERM at the moment the endpoint begins to leave the
 * proxies' rules, and connections that are under way must still be accepted. POD_IP is told by runtimes whose pods share
 * the machine's addresses. busybox httpd accepts with a backlog of 9 and forks for each connection.
 */
export const WEB_SCRIPT = `#!/bin/sh
pages=$(mktemp -d /tmp/web.XXXXXX) || exit 1
echo "\${HOSTNAME:-$(hostname)}" > "$pages/index.html"
cp "$pages/index.html" "$pages/hostname"
echo ok > "$pages/healthz"

httpd -f -p "\${POD_IP:+$POD_IP:}\${PORT:-8080}" -h "$pages" &
server=$!
echo "serving $pages on port \${PORT:-8080}"

drain() {
  echo "draining"
  sleep "\${DRAIN_SECONDS:-2}"
  kill "$server"
  sleep 0.2
  rm -rf "$pages"
  echo "done"
  exit 0
}
trap drain TERM INT
wait "$server"
`;
