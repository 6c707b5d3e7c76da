"""What is shipped around the code: the image, the compose file, the vendored files, openapi.yaml, the changelog."""

import re
import tomllib

import pytest
import yaml

import service
from service.api import openapi


@pytest.fixture(scope="module")
def dockerfile(root):
    """The instructions of the Dockerfile, continued lines joined, comments left out."""
    text = (root / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def compose(root):
    return yaml.safe_load((root / "compose.yaml").read_text(encoding="utf-8"))


def stage(dockerfile, name):
    """The instructions of one stage."""
    starts = [at for at, line in enumerate(dockerfile) if line.startswith("FROM ")]
    (start,) = [at for at in starts if dockerfile[at].endswith(f" AS {name}")]
    return dockerfile[start : min([at for at in starts if at > start], default=len(dockerfile))]


def test_every_image_is_the_same_but_for_what_is_installed(dockerfile):
    """One runtime under three environments; who names no target gets the core."""
    for name, built in (("core", "build"), ("clip", "build-clip"), ("faces", "build-faces")):
        assert stage(dockerfile, name) == [
            f"FROM runtime AS {name}",
            f"COPY --from={built} /opt/keepone /opt/keepone",
        ]
    assert dockerfile[-2] == "FROM runtime AS core"


def test_each_image_installs_the_extra_it_is_named_for(dockerfile):
    """From the wheel that the core has."""
    for name in ("clip", "faces"):
        (install,) = stage(dockerfile, f"build-{name}")[1:]
        assert install.endswith(f'"$(ls /wheel/keepone-*.whl)[{name}]"')


def test_the_image_does_not_run_as_root(dockerfile):
    """By a fixed number, so that a volume's owner is the same everywhere."""
    users = [line.split()[1] for line in stage(dockerfile, "runtime") if line.startswith("USER ")]
    assert users
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", users[-1])


def test_the_image_will_not_start_without_a_key(dockerfile):
    """It listens on every address, so a key is required whatever the address."""
    environment = " ".join(line for line in stage(dockerfile, "runtime") if line.startswith("ENV "))
    assert "KEEPONE_REQUIRE_KEY=1" in environment
    assert "KEEPONE_HOST=0.0.0.0" in environment
    assert "KEEPONE_DATA=/data" in environment
    assert "VOLUME /data" in dockerfile


def test_the_image_asks_for_its_health(dockerfile):
    """By Python, since a slim image has no curl."""
    assert any(line.startswith("HEALTHCHECK ") and "/live" in line and '["python"' in line for line in dockerfile)


def test_the_image_starts_the_service_without_a_shell(dockerfile):
    """Exec form: signals reach the service, so it stops in good order."""
    assert stage(dockerfile, "runtime")[-2:] == ['ENTRYPOINT ["keepone"]', 'CMD ["serve"]']


def test_the_images_bases_are_named_by_version(dockerfile):
    """`latest`, or no tag at all, would be another image tomorrow."""
    starts = [line.split() for line in dockerfile if line.startswith("FROM ")]
    bases = {words[1] for words in starts} - {words[3] for words in starts}
    assert len(bases) == 1
    assert all(re.fullmatch(r"python:3\.\d+-slim", base) for base in bases)


def test_the_image_is_labelled_with_this_version(dockerfile):
    """So that `docker inspect` tells what runs."""
    assert f'org.opencontainers.image.version="{service.__version__}"' in " ".join(dockerfile)


def test_the_build_sees_what_the_wheel_needs_and_little_else(root):
    """Everything is left out first; caches, data and secrets cannot slip in."""
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    assert lines[0] == "*"
    wanted = {"pyproject.toml", "README.md", "LICENSE", "service/", "index_store/"}
    assert {line[1:] for line in lines if line.startswith("!")} == wanted
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"{package}/" for package in packages} <= wanted


def test_compose_makes_a_key_before_the_service_starts(compose):
    """The first key is made once, by a service that has no network and ends."""
    first = compose["services"]["first-key"]
    assert first["command"][:3] == ["keys", "create", "--if-none"]
    assert first["network_mode"] == "none"
    waits = compose["services"]["keepone"]["depends_on"]
    assert waits == {"first-key": {"condition": "service_completed_successfully"}}


def test_compose_confines_what_it_starts(compose):
    """Read-only root, no capabilities, no new privileges, bounded memory; published on loopback only."""
    for started in compose["services"].values():
        assert started["read_only"] is True
        assert started["cap_drop"] == ["ALL"]
        assert started["security_opt"] == ["no-new-privileges:true"]
        assert started["mem_limit"]
        assert started["image"] == f"keepone:{service.__version__}"
        assert "privileged" not in started
    assert all(port.startswith("127.0.0.1:") for port in compose["services"]["keepone"]["ports"])
    assert "/live" in compose["services"]["keepone"]["healthcheck"]["test"][-1]


def test_vendored_files_carry_their_licence(root):
    """Apache-2.0 asks for both files wherever the work goes."""
    vendored = root / "service" / "web" / "vendor" / "swagger-ui"
    assert "Apache License" in (vendored / "LICENSE").read_text(encoding="utf-8")
    assert "swagger-ui" in (vendored / "NOTICE").read_text(encoding="utf-8")


def test_openapi_yaml_is_what_the_code_says(root):
    """After a change to a route: `make openapi`."""
    assert (root / "openapi.yaml").read_text(encoding="utf-8") == openapi.render()


def test_the_changelog_tells_of_this_version(root):
    """No release without a word about it."""
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{service.__version__}]" in changelog
