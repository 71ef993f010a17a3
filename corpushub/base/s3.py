"""How to reach the S3-speaking store the settings name, for the object store and for sources."""

from __future__ import annotations

from typing import Any

from corpushub.base.settings import Settings


def s3_options(settings: Settings | None) -> dict[str, Any]:
    """Keyword arguments of obstore's S3Store; without keys requests go unsigned."""
    if settings is None:
        return {}
    config: dict[str, Any] = {"region": settings.s3_region}
    if settings.s3_endpoint:
        config |= {"endpoint": settings.s3_endpoint, "virtual_hosted_style_request": False}
    if settings.s3_access_key_id:
        config |= {"access_key_id": settings.s3_access_key_id, "secret_access_key": settings.s3_secret_access_key}
    else:
        config["skip_signature"] = True
    return {
        "config": config,
        "client_options": {"allow_http": settings.s3_endpoint.startswith("http://"), "timeout": "60s", "connect_timeout": "10s"},
        "retry_config": {"max_retries": 3},
    }
