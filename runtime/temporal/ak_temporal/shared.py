"""The folder that `ak deploy --temporal` and the workers share, on one machine or over a network file system.

    bundles/DIGEST.tar        the code of a deployment, named by its SHA-256
    deployments/ID.json       project, bundle, dialect, variables, triggers, verdict
    projects/NAME.json        which deployment is the active one
    blobs/XX/DIGEST           payloads above the threshold, named by their SHA-256

Everything is written once, whole (a rename), and checked against its name when it is read."""
import asyncio
import hashlib
import io
import json
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from temporalio.api.common.v1 import Payload
from temporalio.converter import (ExternalStorage, StorageDriver, StorageDriverClaim, StorageDriverRetrieveContext,
                                  StorageDriverStoreContext)

BLOB_THRESHOLD = 256 * 1024

Json = Dict[str, Any]


class Missing(Exception):
    """Not in the shared folder, or not what its name says. One sentence."""


def write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd, part = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise


class Shared:
    def __init__(self, folder: str, cache: str) -> None:
        self.folder, self.cache = Path(folder), Path(cache)
        self.known_variables: Dict[str, Tuple[Tuple[str, str], ...]] = {}
        self.known_deployments: Dict[str, Json] = {}

    # Bundles.

    def put_bundle(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        path = self.bundle_path(digest)
        if not path.exists():
            write_whole(path, data)
        return digest

    def bundle_path(self, digest: str) -> Path:
        if len(digest) != 64 or not all(c in "0123456789abcdef" for c in digest):
            raise Missing("'%.80s' names no bundle" % digest)
        return self.folder / "bundles" / (digest + ".tar")

    def bundle(self, digest: str) -> bytes:
        path = self.bundle_path(digest)
        try:
            data = path.read_bytes()
        except OSError as exc:
            raise Missing("bundle %.16s is not in %s: %s" % (digest, path.parent, exc.strerror)) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise Missing("%s is not the bundle that its name says: it was changed or cut short" % path)
        return data

    def code(self, digest: str) -> str:
        """The folder of a bundle's code on this machine, unpacked once."""
        place = self.cache / "code" / digest[:40]
        if place.is_dir():
            return str(place)
        data = self.bundle(digest)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = tempfile.mkdtemp(dir=place.parent, prefix=".part-")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive.getmembers():
                refuse_escape(member, fresh)
            archive.extractall(fresh, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        try:
            os.rename(fresh, place)
        except OSError:     # another worker was first
            if not place.is_dir():
                raise
        return str(place)

    # Deployments.

    def put_deployment(self, deployment: Json) -> None:
        write_whole(self.deployment_path(deployment["id"]), json.dumps(deployment, indent=1).encode())

    def deployment_path(self, name: str) -> Path:
        if not name or os.sep in name or name.startswith("."):
            raise Missing("'%.80s' names no deployment" % name)
        return self.folder / "deployments" / (name + ".json")

    def deployment(self, name: str) -> Json:
        """Read once: it never changes."""
        if name in self.known_deployments:
            return self.known_deployments[name]
        path = self.deployment_path(name)
        try:
            found = json.loads(path.read_text())
        except OSError as exc:
            raise Missing("deployment %s is not in %s: %s" % (name, path.parent, exc.strerror)) from None
        except ValueError as exc:
            raise Missing("%s cannot be read: %s" % (path, exc)) from None
        self.known_deployments[name] = found
        return found      # type: ignore[no-any-return]

    def deployments(self) -> List[Json]:
        """All, the oldest first."""
        return [self.deployment(p.stem) for p in sorted((self.folder / "deployments").glob("*.json"))]

    def variables(self, name: str) -> Tuple[Tuple[str, str], ...]:
        """Those of a deployment; it never changes."""
        if name not in self.known_variables:
            self.know(self.deployment(name))
        return self.known_variables[name]

    def know(self, deployment: Json) -> None:
        """One that is not put there yet. With a URL its programs can ask where their webhooks are."""
        found = dict(deployment.get("vars") or {})
        for t in deployment.get("triggers") or ():
            if t.get("slug") and deployment.get("url"):
                found["%s__webhook_url" % t["name"]] = "%s/webhooks/%s" % (deployment["url"].rstrip("/"), t["slug"])
        self.known_variables[deployment["id"]] = tuple(sorted(found.items()))

    # Projects: which deployment is the active one.

    def project_path(self, project: str) -> Path:
        if not project or os.sep in project or project.startswith("."):
            raise Missing("'%.80s' names no project" % project)
        return self.folder / "projects" / (project + ".json")

    def active(self, project: str) -> str:
        try:
            return str(json.loads(self.project_path(project).read_text())["active"])
        except OSError as exc:
            raise Missing("project %s is not in %s: %s" % (project, self.folder / "projects", exc.strerror)) from None

    def set_active(self, project: str, deployment: str) -> None:
        write_whole(self.project_path(project), json.dumps({"active": deployment}).encode())

    def projects(self) -> List[str]:
        return sorted(p.stem for p in (self.folder / "projects").glob("*.json"))

    def storage(self) -> ExternalStorage:
        return ExternalStorage(drivers=[Blobs(self.folder / "blobs")], payload_size_threshold=BLOB_THRESHOLD)


def refuse_escape(member: tarfile.TarInfo, folder: str) -> None:
    inside = os.path.realpath(folder)
    place = os.path.realpath(os.path.join(inside, member.name))
    if not (member.isfile() or member.isdir()) or place != inside and not place.startswith(inside + os.sep):
        raise Missing("the bundle holds %.80r, which is no plain file inside it" % member.name)


class Blobs(StorageDriver):
    """Large payloads as files. They are encoded already (a codec's encryption included)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def name(self) -> str:
        return "ak.blobs"

    def path(self, digest: str) -> Path:
        if len(digest) != 64 or not digest.isalnum():
            raise Missing("'%.80s' names no large value" % digest)
        return self.folder / digest[:2] / digest

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> List[StorageDriverClaim]:
        return [StorageDriverClaim({"digest": await asyncio.to_thread(self.put, p.SerializeToString(deterministic=True))})
                for p in payloads]

    async def retrieve(self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]) -> List[Payload]:
        return [Payload.FromString(await asyncio.to_thread(self.get, c.claim_data["digest"])) for c in claims]

    def put(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        if not self.path(digest).exists():
            write_whole(self.path(digest), data)
        return digest

    def get(self, digest: str) -> bytes:
        try:
            data = self.path(digest).read_bytes()
        except OSError as exc:
            raise Missing("a large value is not in %s: %s" % (self.folder, exc.strerror)) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise Missing("%s is not the value that its name says" % self.path(digest))
        return data
