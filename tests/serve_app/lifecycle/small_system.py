"""Starts a Delegator whose inside is one small application: what `up` starts around it is real.

A program of its own, because what `up` starts must outlive the process that called it. Prints the instance as JSON, or
the error; every step goes to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from delegator.errors import DelegatorError
from delegator.settings import Settings
from serve_app.lifecycle.applications import API, Parts
from serve_app.lifecycle.up import up


async def no_actors(_settings: Settings) -> None:
    """Need no actors."""


def application(settings: Settings) -> Mapping[str, Any]:
    from ray import serve

    def build() -> Any:
        from fastapi import FastAPI

        app = FastAPI()

        @app.get("/healthz")
        @app.get("/readyz")
        def well() -> dict[str, str]:
            return {"status": "ok"}

        @app.get("/settings")
        def told() -> dict[str, Any]:
            return settings.model_dump(mode="json")

        @app.get("/v1/sessions")
        def sessions() -> dict[str, Any]:
            return {"sessions": [], "total_sessions": 0}

        return app

    class Small:
        pass

    deployment = serve.deployment(ray_actor_options={"num_cpus": 0})(serve.ingress(build)(Small))
    return {API: deployment.bind()}


def told(step: str) -> None:
    sys.stderr.write(f"{step}\n")


def main() -> int:
    settings = Settings.load(**json.loads(sys.argv[1]))
    try:
        instance = up(settings, told, Parts(no_actors, application))
    except DelegatorError as exc:
        sys.stdout.write(json.dumps({"code": exc.code, "message": exc.message, "advice": exc.advice}))
        return 1
    sys.stdout.write(json.dumps({"already": instance.already, **instance.model_dump(mode="json")}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
