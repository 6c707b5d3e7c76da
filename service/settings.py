"""Settings: defaults, then a `.env` file, then the environment (prefix `KEEPONE_`), then flags.

Every field is documented in docs/reference/settings.md, and a test holds the two together.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

from service.descriptors.opening import BUILTIN, is_name
from service.domain.errors import SettingsError
from service.domain.values import OperatingPoint
from service.policies import NAME

LOOPBACK = ("127.0.0.1", "::1", "localhost")
MIB = 1024 * 1024


def _default_data() -> Path:
    """The user's own data folder (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "keepone"


CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")


def _usable_memory() -> int:
    """Bytes this process may use: the machine's memory, or less in a container that is given less (cgroup v2)."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        allowed = CGROUP_MEMORY.read_text(encoding="ascii").strip()
    except OSError:
        return installed
    return min(installed, int(allowed)) if allowed.isdigit() else installed


def _usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _folders(given: str) -> tuple[Path, ...]:
    """The folders of a JSON list, or of a list joined as in PATH. Raises ValueError."""
    if given.lstrip().startswith("["):
        try:
            listed = json.loads(given)
        except json.JSONDecodeError as error:
            raise ValueError("this is no JSON list") from error
        if not all(isinstance(folder, str) for folder in listed):
            raise ValueError("the JSON list must hold paths")
    else:
        listed = given.split(os.pathsep)
    return tuple(Path(folder) for folder in listed if folder)


_LONGEST_NAME = 100
"""Of a descriptor model; `similar:` before it included it is the name of a matcher."""


def _listed(given: str) -> tuple[str, ...]:
    """The names of a comma-separated list."""
    return tuple(name.strip() for name in given.split(",") if name.strip())


class Settings(BaseSettings):
    """What can be set. A field's description says what it does, in its unit."""

    model_config = SettingsConfigDict(
        env_prefix="KEEPONE_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data: Path = Field(default_factory=_default_data, description="Folder of the embedded catalogue, index and blobs.")
    host: str = Field("127.0.0.1", description="Address to listen on. Any but loopback needs a key.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8000, description="Port to listen on; 0 takes a free one.")
    workers: PositiveInt = Field(1, description="API processes.")
    require_key: bool = Field(default=False, description="Refuse to start without an API key, on loopback too.")
    catalogue_url: str = Field(
        "", repr=False, description="Catalogue, `sqlite:///…` or `postgresql://…`; empty: SQLite in the data folder."
    )
    jobs_url: str = Field("", repr=False, description="Where DBOS keeps its own records; empty: beside the catalogue.")
    job_worker: bool = Field(default=True, description="Run background jobs in a child process of `keepone serve`.")
    index_url: Literal["faiss://", "exact://"] = Field(
        "faiss://", description="Vector index. `exact://` compares with every vector and keeps no snapshots."
    )
    min_free_bytes: NonNegativeInt = Field(
        256 * MIB,
        description="Free room on the disks of the store below which no picture is taken in, in bytes; 0: off.",
    )
    blobs_url: str = Field("", description="Originals and thumbnails; empty: a folder in the data folder.")
    outputs: str = Field("", description="Backups of what is removed; empty: `processing/outputs` in the data folder.")
    descriptors: str = Field(
        "builtin",
        description="Descriptor models, comma-separated: `builtin`, and any of `clip:ARCH/TAG` and `deepface:MODEL`.",
    )
    models: str = Field("", description="Folder of weights; empty: `models` in the data folder.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where networks run; auto: the GPU if any.")
    precision: Literal["fp32", "fp16", "bf16"] = Field("fp32", description="Numbers that a CLIP calculates with.")
    face_detector: Literal["dlib", "yunet", "skip"] = Field(
        "dlib", description="What finds the faces; skip: every picture is one face."
    )
    model_batch: PositiveInt = Field(32, description="Pictures that a CLIP is asked about together, at the most.")
    model_idle_seconds: NonNegativeFloat = Field(
        900.0, description="After how long unasked a CLIP or face model is let go, in seconds; 0: never."
    )
    model_downloads: bool = Field(default=False, description="Whether missing CLIP weights may be fetched.")
    operating_point: OperatingPoint = Field(
        OperatingPoint.BALANCED, description="How sure a duplicate must be where a request does not say."
    )
    policy: Annotated[str, Field(pattern=NAME)] = Field(
        "keeper-2", description="Name of the policy that says which copy should stay."
    )
    trusted_signers: str = Field(
        "", description="File of certificates (PEM): who signed a C2PA manifest by one is trusted. Empty: nobody is."
    )
    faces: str = Field(
        "", description="How faces are found: `dlib`, or the path of `version-RFB-320.onnx`; empty: not."
    )
    presentation_attack: bool = Field(
        default=False, description="Tell living faces from pictures of faces by MiniFASNet; needs KEEPONE_FACES."
    )
    candidates: PositiveInt = Field(12, le=200, description="Neighbours of a query that are verified, at the most.")
    max_bytes: PositiveInt = Field(25 * MIB, description="Largest picture file, in bytes.")
    max_pixels: PositiveInt = Field(50_000_000, description="Largest picture, in pixels.")
    max_side: PositiveInt = Field(16_384, description="Longest side of a picture, in pixels.")
    decode_seconds: PositiveFloat = Field(10.0, description="Time a decoder may take for one picture, in seconds.")
    decode_children: PositiveInt = Field(
        default_factory=_usable_cores, description="Decoding child processes of each API process."
    )
    decode_budget: PositiveInt = Field(
        default_factory=lambda: _usable_memory() // 4,
        description="Memory that all decoders of this machine may use together, in bytes.",
    )
    queue_seconds: NonNegativeFloat = Field(
        2.0, description="How long a request waits for a decoder before it is answered 503, in seconds."
    )
    uploads: PositiveInt = Field(32, description="Pictures that one API process works on at once.")
    upload_budget: PositiveInt = Field(
        512 * MIB, description="Request bodies that one API process holds together, in bytes; over it: 503."
    )
    upload_rate: PositiveInt = Field(16 * 1024, description="Slowest upload that is not cut, in bytes a second.")
    upload_grace: PositiveFloat = Field(10.0, description="Time before the upload rate is enforced, in seconds.")
    drain_seconds: NonNegativeFloat = Field(
        1.0, description="After SIGTERM: how long requests are still taken while `/ready` says no, in seconds."
    )
    session_hours: PositiveFloat = Field(12.0, description="How long a page stays signed in, in hours.")
    import_roots: str = Field(
        "", description="Folders below which clients may name paths; absolute, joined by `:`, or a JSON list."
    )
    archive_max_bytes: PositiveInt = Field(4096 * MIB, description="Largest archive, as a file and unpacked, in bytes.")
    archive_max_entries: PositiveInt = Field(200_000, description="Most entries of an archive.")
    archive_max_ratio: PositiveInt = Field(100, description="Most unpacked bytes for one packed byte of an archive.")
    log_format: Literal["auto", "json", "text"] = Field("auto", description="Log lines; auto: text on a terminal.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    @field_validator("import_roots")
    @classmethod
    def _roots_are_absolute(cls, given: str) -> str:
        """A relative one would depend on where the service was started."""
        if any(not folder.is_absolute() for folder in _folders(given)):
            raise ValueError("each must be an absolute path")
        return given

    @field_validator("descriptors")
    @classmethod
    def _descriptors_are_models(cls, given: str) -> str:
        """Which there are of a kind its own library says, when it is opened."""
        names = _listed(given)
        if BUILTIN not in names:
            raise ValueError(f"{BUILTIN} must be one of them: it is what finds copies")
        if len(set(names)) < len(names):
            raise ValueError("each may be named once")
        for name in names:
            if name != BUILTIN and not (is_name(name) and len(name) <= _LONGEST_NAME):
                raise ValueError(f"{name!r} is neither {BUILTIN} nor clip:ARCH/TAG nor deepface:MODEL")
        return given

    @property
    def further_spaces(self) -> tuple[str, ...]:
        """The descriptor models beside the built-in one, in the order they are named."""
        return tuple(name for name in _listed(self.descriptors) if name != BUILTIN)

    @property
    def import_folders(self) -> tuple[Path, ...]:
        return _folders(self.import_roots)

    @property
    def on_loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def effective_catalogue_url(self) -> str:
        return self.catalogue_url or f"sqlite:///{quote(str(self.data / 'catalogue.sqlite'))}"

    @property
    def effective_jobs_url(self) -> str:
        """DBOS wants a database of its own on SQLite; on PostgreSQL it has a schema of its own in the catalogue's."""
        if self.jobs_url or not self.catalogue_url.startswith("sqlite"):
            return self.jobs_url or self.catalogue_url or f"sqlite:///{self.data.absolute() / 'jobs.sqlite'}"
        return f"{self.catalogue_url}.jobs"

    @property
    def index_folder(self) -> Path:
        """Where snapshots of the index lie, on a local disk."""
        return self.data.absolute() / "index"

    @property
    def effective_blobs_url(self) -> str:
        return self.blobs_url or (self.data.absolute() / "blobs").as_uri()

    @property
    def models_folder(self) -> Path:
        return Path(self.models).absolute() if self.models else self.data.absolute() / "models"

    @property
    def effective_outputs(self) -> Path:
        return Path(self.outputs).absolute() if self.outputs else self.data.absolute() / "processing" / "outputs"

    @property
    def own_folders(self) -> tuple[Path, ...]:
        """Local folders in which nobody but Keepone writes."""
        blobs = urlsplit(self.effective_blobs_url)
        originals = [Path(unquote(blobs.path))] if blobs.scheme == "file" else []
        return (self.data.absolute(), self.effective_outputs, *originals)

    @property
    def is_alone(self) -> bool:
        """Whether the catalogue lies on this machine, so that no other one can have a part in it."""
        return self.effective_catalogue_url.startswith("sqlite")


def load_settings(**flags: Any) -> Settings:
    """Read the settings; flags that are None do not count. Raises SettingsError with a line for each bad field."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [f"KEEPONE_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError("; ".join(lines)) from error


def settings_with_sources(**flags: Any) -> list[tuple[str, str, str]]:
    """(environment name, value, source) for `keepone doctor`; the source is flag, environment, .env or default."""
    settings = load_settings(**flags)
    environment = EnvSettingsSource(Settings)()
    dotenv = DotEnvSettingsSource(Settings)()
    rows = []
    for name in Settings.model_fields:
        if flags.get(name) is not None:
            source = "flag"
        elif name in environment:
            source = "environment"
        else:
            source = ".env" if name in dotenv else "default"
        rows.append((f"KEEPONE_{name.upper()}", without_password(str(getattr(settings, name))), source))
    return rows


def without_password(text: str) -> str:
    """The text as it may be shown: in a URL, what could be a password is three stars.

    Rather too much than too little: a password with a bare slash or at sign in it ends at the last at sign.
    """
    hidden = re.sub(r"(?<=://)([^:/@?]*):.*@", r"\1:***@", text)
    return re.sub(r"(?i)(?<=[?&])([a-z]*password)=[^&]*", r"\1=***", hidden)
