"""The programs that the emulator needs, of this machine and of this repository. What is missing is named, with what to
do about it."""

import shlex
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where Debian has them; elsewhere the names differ little.
PACKAGES = {"make": "make and gcc", "openssl": "openssl", "strip": "binutils"}


def run(*command, **how):
    """Runs a program that must succeed."""
    command = [str(part) for part in command]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, **how).stdout
    except FileNotFoundError:
        package = PACKAGES.get(command[0])
        raise SystemExit(f"{command[0]} is missing" + (f": install {package}" if package else "")) from None
    except subprocess.CalledProcessError as failed:
        raise SystemExit(f"{shlex.join(command)}\nended with {failed.returncode}\n{failed.stderr.strip()}") from None


def binary(name):
    """A program that `cargo build` made."""
    path = Path(run(ROOT / ".ci/target").removesuffix("\n")) / "debug" / name
    if not path.is_file():
        raise SystemExit(f"{path} is missing: cargo build --workspace --all-targets --locked makes it")
    return path
