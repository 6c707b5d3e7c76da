"""Uploads of many pictures, a client that goes away, and jobs that are run inside the test as a worker would."""

import io
import os
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path

import pytest

from index_store.records import ImageFilter
from service.workflows.ingest_job import run_ingest_job

BOUNDARY = "a-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


class Uploads:
    """Bodies of requests."""

    @staticmethod
    def form(*files, field="files", **fields):
        """A multipart body of (name, bytes)… and text fields."""
        parts = [(f'name="{name}"', text.encode()) for name, text in fields.items()]
        parts += [(f'name="{field}"; filename="{name}"', data) for name, data in files]
        head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        sent = [f"{head}{about}\r\n\r\n".encode() + data + b"\r\n" for about, data in parts]
        return b"".join(sent) + f"--{BOUNDARY}--\r\n".encode()

    @staticmethod
    def zip_of(*files):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in files:
                archive.writestr(name, data)
        return out.getvalue()

    @staticmethod
    def tar_of(*files, mode="w"):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=mode) as archive:
            for name, data in files:
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return out.getvalue()


@pytest.fixture(scope="session")
def uploads():
    return Uploads()


class Api:
    """An application, and what lies in its folders."""

    def __init__(self, client):
        self.client = client
        self.parts = client.app.state.parts

    def send(self, path, body, kind=MULTIPART, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=body, headers={"Content-Type": kind, **named})

    def batch(self, body, kind=MULTIPART, **headers):
        return self.send("/images/batch", body, kind, **headers)

    def queued(self, body, kind=MULTIPART):
        """The id of the job that a batch became."""
        answer = self.batch(body, kind)
        assert answer.status_code == 202, answer.text
        return answer.json()["job_id"]

    def run(self, job_id, owner="a test", stopping=None):
        return run_ingest_job(job_id, owner, self.parts, stopping=stopping or threading.Event())

    def job(self, job_id):
        return self.client.get(f"/jobs/{job_id}").json()

    def items(self, job_id, **query):
        return self.client.get(f"/jobs/{job_id}/items", params=query).json()["items"]

    def jobs(self):
        return [job.job_id for job in self.parts.jobs.list(1000).items]

    def images(self, **where):
        return self.parts.catalogue.images(ImageFilter(**where), 500).items

    def staged(self):
        """Names in the staging area, read behind the store's back."""
        return sorted(path.name for path in (self.parts.settings.data / "staging").iterdir())

    @staticmethod
    def spooled():
        """Open files of this process in the temporary folder that have no name any more, or never had one."""
        found = []
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                found.append(os.readlink(descriptor))  # noqa: PTH115 - a Path would resolve what is deleted
            except OSError:
                continue
        return [name for name in found if name.startswith(tempfile.gettempdir()) and "(deleted)" in name]

    def send_and_leave(self, path, body, sent, **headers):
        """Send so many bytes of a form and go away. Gives the status of the answer that nobody waits for."""
        answered = []
        messages = [{"type": "http.disconnect"}, {"type": "http.request", "body": body[:sent], "more_body": True}]
        named = {"host": "127.0.0.1", "content-type": MULTIPART, "content-length": str(len(body)), **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 80),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()],
        }

        async def receive():
            return messages.pop() if len(messages) > 1 else messages[0]

        async def send(message):
            if message["type"] == "http.response.start":
                answered.append(message["status"])

        self.client.portal.call(self.client.app, scope, receive, send)
        return answered[0]


@pytest.fixture(scope="module")
def api(tmp_path_factory, run_app):
    """An application of this module's own, with an import root beside its data."""
    folder = tmp_path_factory.mktemp("jobs")
    (folder / "root").mkdir()
    with run_app(folder, import_roots=str(folder / "root"), archive_max_bytes=2**20) as client:
        yield Api(client)


@pytest.fixture
def root(api):
    return api.parts.settings.import_folders[0]
