"""A bare Debian in a folder, to try on it what a machine without anything of ours can do.

`debootstrap` lays it out. What runs in it runs as a user without rights, in namespaces of its own for mounts
and processes, so that nothing of it is left behind. Of this machine's environment it has nothing but the way
to the package registries: pip's settings, proxies and certificates, as they are found.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
RELEASES = ("bookworm", "trixie")
HOME = "home/sightline"
PROJECT = f"{HOME}/sightline"
_USER = 1000
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_MIRROR = "SIGHTLINE_CACHE_MAVEN_URL"
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_MOUNTS = """
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
mount -t tmpfs -o size=1g tmpfs "$1/dev/shm"
root=$1; user=$2; folder=$3; shift 3
exec chroot --userspec="$user:$user" "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""


def why_not() -> str:
    """Why no bare machine can be laid out here, or ""."""
    if os.geteuid() != 0:
        return "a bare Debian is laid out by root only"
    missing = [name for name in ("debootstrap", "unshare", "chroot", "git") if shutil.which(name) is None]
    return f"{', '.join(missing)} not found" if missing else ""


def copy_project(target: Path) -> None:
    """Copy this project as it is, without what git ignores, into a new folder."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            _copy(ROOT / name, target / name)


class BareRoot:
    """A bare Debian with a copy of this project."""

    def __init__(self, folder: Path, release: str, packages: tuple[str, ...]) -> None:
        """Lay it out.

        Args:
            folder: Where; must not exist yet.
            release: Debian's name of the release.
            packages: Debian's packages beside the smallest set.
        """
        self.folder = folder
        include = ",".join(packages)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={include}", release, str(folder)], check=True
        )
        self._copy_project()

    def run(self, command: list[str], log: Path, *, as_root: bool = False) -> int:
        """Run a command in the project's copy; its output goes to the log. Returns its exit code."""
        # Each time, because a package that is installed may put its own certificates in the place of ours.
        environment = self._copy_way_to_registries(os.environ)
        user = 0 if as_root else _USER
        argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-e", "-c", _MOUNTS, "sh"]
        argv += [str(self.folder), str(user), f"/{PROJECT}", *command]
        with log.open("ab") as output:
            return subprocess.run(
                argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode

    def remove(self) -> None:
        """Delete it. Its mounts were in namespaces that have ended with what ran in them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _copy_project(self) -> None:
        copy_project(self.folder / PROJECT)
        home = self.folder / HOME
        for path in (home, *home.rglob("*")):
            os.chown(path, _USER, _USER, follow_symlinks=False)

    def _copy_way_to_registries(self, environ: Mapping[str, str]) -> dict[str, str]:
        proxies = {each for name in _PROXIES for each in (name, name.upper())}
        forwarded = {
            name: value
            for name, value in environ.items()
            if name.startswith("PIP_") or name in {*_CERTIFICATES, *proxies, _MIRROR}
        }
        config = [Path("/etc/pip.conf"), Path("/etc/hosts"), Path("/etc/resolv.conf")]
        config += [Path(value) for value in forwarded.values() if value.startswith("/")]
        for path in config:
            if path.is_file():
                _copy(path, self.folder / path.relative_to("/"))
        for own in (".config/pip/pip.conf", ".pip/pip.conf"):
            if (Path.home() / own).is_file():
                _copy(Path.home() / own, self.folder / HOME / own)
        home = f"/{HOME}"
        return forwarded | {"HOME": home, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy(source, target)
    target.parent.chmod(0o755)
