"""The nginx configuration for a hub: one server in front of it, and one that serves released files under passes by itself.

* Below the first, nginx sends object bytes where the hub says so (X-Accel-Redirect). Of the hub's own headers it keeps Content-Disposition and
  Cache-Control alone on an internal redirect; clients fail without X-Repo-Commit, so each of the others is put back by name. `proxy_pass`
  has no path: with one, nginx would decode `%2F` and a quoted revision would fall apart.
* The second asks nobody: a pass hangs in the folder of the present window of time (`store.pass_folder`), whose name `$msec` tells. Whether
  it still does, nginx looks every two seconds; what lies under it never changes, and is looked at once a minute.
  What it sends it writes to a log, from which the hub records deliveries.
* What the operator counts (`/metrics`) stays inside: it is asked at the hub's own port.
* HTTP/2 is nginx's part: with a certificate, add `ssl` and `http2` to the `listen` lines.
"""

from __future__ import annotations

from pathlib import Path

from corpushub.store.pass_folder import LOG_FIELDS, OPEN, WINDOW_SECONDS

_KEPT = (
    "ETag",
    "X-Repo-Commit",
    "X-Linked-Etag",
    "X-Linked-Size",
    "X-Request-Id",
    "X-HF-Warning",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
)
_SENT = {
    "Last-Modified": "",  # none: when an object came to the hub tells a client nothing, and writing a date costs what a log line costs
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",  # and no type but octets: nothing under a pass is ever shown as a page
}
_LOGGED = {"status": "$status$request_completion", "bytes": "$body_bytes_sent", "address": "$uri"}
assert WINDOW_SECONDS == 50, "the map below makes windows of fifty seconds"


def nginx_conf(*, upstream: str, home: Path, objects: Path, ports: tuple[int, int] = (80, 81), name: str = "_") -> str:
    """The main, `events` and `http` blocks for one hub at `upstream` (host:port), whose objects lie in the folder `objects`.

    `ports`: of the hub's address, and of the address that serves passes. The hub has to be started with
    CORPUSHUB_ACCEL_REDIRECT=/objects and CORPUSHUB_FILES_URL=http://<host>:<second port>.
    """
    kept = "\n".join(f"      add_header {header} $upstream_http_{header.lower().replace('-', '_')} always;" for header in _KEPT)
    sent = "\n".join(f'      add_header {header} "{value}" always;' for header, value in _SENT.items())
    logged = "\\t".join(_LOGGED[name] for name in LOG_FIELDS)
    return f"""worker_processes auto; worker_rlimit_nofile 65536; pcre_jit on;
events {{ worker_connections 2048; }}
http {{
  sendfile on; tcp_nopush on; keepalive_requests 100000; access_log off; merge_slashes off; server_tokens off;
  default_type application/octet-stream;
  open_file_cache max=16000 inactive=60s;
  upstream hub {{ server {upstream}; keepalive 32; }}
  server {{
    listen {ports[0]}; server_name {name} datasets-server.{name if name != "_" else "localhost"};
    client_max_body_size 0;
    location = /metrics {{ return 404; }}
    location / {{
      proxy_pass http://hub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
      proxy_read_timeout 3600s;
    }}
    location /objects/ {{
      internal;
      alias {objects.absolute()}/;
      etag off;
{kept}
    }}
  }}
  map $msec$uri $hangs {{
    "~^(?<first>\\d+)[0-4]\\d\\.\\d+(?<one>/take/[0-9a-f]+)/" "${{first}}0$one";
    "~^(?<second>\\d+)[5-9]\\d\\.\\d+(?<two>/take/[0-9a-f]+)/" "${{second}}5$two";
    default none;
  }}
  log_format taken escape=json "{logged}";
  server {{
    listen {ports[1]}; server_name {name}; request_pool_size 8k;
    open_file_cache_valid 2s;
    if (!-e {home.absolute()}/nginx/passes/$hangs) {{ return 404; }}
    location / {{ return 404; }}
    location /take/ {{
      root {home.absolute()}/nginx/passes/{OPEN};
      types {{ }}
      etag off; open_file_cache_valid 60s;
      access_log {home.absolute()}/nginx/taken.log taken buffer=64k flush=1s;
{sent}
    }}
  }}
}}
"""
