"""Builds template.yaml and deploys it to the local stack with the real SAM CLI."""

import fcntl
import os
import platform
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.emulator import CREDENTIALS
from local.errors import LocalStackError
from local.guard import guarded, release

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
STAGE = "local"


def settings(project: Path) -> dict[str, str]:
    """What samconfig.toml says of deployments of the local stage."""
    with (project / "samconfig.toml").open("rb") as file:
        found: dict[str, str] = tomllib.load(file)[STAGE]["deploy"]["parameters"]
    return found


def build_and_deploy(project: Path, state: Path, endpoint_url: str) -> None:
    """Build what changed since the last time and deploy it to the stack at `endpoint_url`.

    The output of a build is shared by all stacks of this project, so one of them builds and deploys at a time.
    """
    # For the interpreter that runs this, as the functions run on it too. Its own folder: SAM's cache does not know that
    # the layer differs by interpreter, and a build for AWS lies elsewhere.
    folder = project / ".aws-sam" / f"{STAGE}-{RUNTIME}-{ARCHITECTURE}"
    folder.mkdir(parents=True, exist_ok=True)
    parameters = [
        "--parameter-overrides",
        *settings(project)["parameter_overrides"].split(),
        f"PythonRuntime={RUNTIME}",
        f"Architecture={ARCHITECTURE}",
    ]
    with _alone(folder / "lock"):
        build = ["build", "--cached", "--parallel", "--template-file", str(project / "template.yaml")]
        build += ["--build-dir", str(folder / "build"), "--cache-dir", str(folder / "cache"), *parameters]
        _run("Building the functions failed.", build, project, state / "build.log", {})
        deploy = ["deploy", "--config-file", str(project / "samconfig.toml"), "--config-env", STAGE]
        deploy += ["--template-file", str(folder / "build" / "template.yaml"), *parameters]
        _run("Deploying failed.", deploy, project, state / "deploy.log", {"AWS_ENDPOINT_URL": endpoint_url})


def _run(what: str, arguments: list[str], project: Path, log: Path, more: Mapping[str, str]) -> None:
    programs = project / ".venv-sam" / "bin"
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **own,
        **CREDENTIALS,
        **more,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "ARCHITECTURE": ARCHITECTURE,
        "NO_PROXY": "127.0.0.1",
        "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
        "PYTHON_RUNTIME": RUNTIME,
        "SAM_CLI_POLL_DELAY": "0.2",  # seconds between looks at a deployment; 5 otherwise
        "SAM_CLI_TELEMETRY": "0",
        "SYSTEM": sys.platform,
    }
    with log.open("wb") as output:
        process = guarded([programs / "sam", *arguments], environment=environment, directory=project, output=output)
        try:
            status = process.wait()
        finally:
            release(process)
    if status:
        raise LocalStackError.from_log(what, log)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
