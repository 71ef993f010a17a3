"""The nginx configuration that serves object bytes itself while the hub decides every request (X-Accel-Redirect).

nginx drops the hub's own headers on an internal redirect; clients fail without X-Repo-Commit, so each is put back by name.
`proxy_pass` has no path: with one, nginx would decode `%2F` and a quoted revision would fall apart.
"""

from __future__ import annotations

from pathlib import Path

_KEPT = (
    "ETag",
    "X-Repo-Commit",
    "X-Linked-Etag",
    "X-Linked-Size",
    "X-Request-Id",
    "X-HF-Warning",
    "Content-Disposition",
    "Cache-Control",
    "Access-Control-Allow-Origin",
    "Access-Control-Expose-Headers",
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "Referrer-Policy",
)


def nginx_conf(*, upstream: str, objects: Path, port: int = 80, name: str = "_") -> str:
    """`events` and `http` blocks for one hub at `upstream` (host:port) whose objects lie in the folder `objects`.

    The hub has to be started with CORPUSHUB_ACCEL_REDIRECT=/objects.
    """
    kept = "\n".join(f"      add_header {header} $upstream_http_{header.lower().replace('-', '_')} always;" for header in _KEPT)
    return f"""events {{ worker_connections 2048; }}
http {{
  sendfile on; tcp_nopush on; keepalive_requests 100000; access_log off; merge_slashes off;
  upstream hub {{ server {upstream}; keepalive 32; }}
  server {{
    listen {port}; server_name {name} datasets-server.{name if name != "_" else "localhost"};
    client_max_body_size 0;
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
      alias {objects}/;
      etag off; default_type application/octet-stream;
      open_file_cache max=20000; open_file_cache_valid 3600s;
{kept}
    }}
  }}
}}
"""
