"""Pictures that ship with scikit-image, files of them in memory, and a process without settings of its own."""

import datetime as dt
import io
import json
import logging
import os

import c2pa
import numpy as np
import pytest
import skimage.data
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

SHIPPED = [
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
]
"""What `skimage.data` holds inside its wheel, so that nothing is fetched."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """A developer's own `KEEPONE_` variables must not decide what passes."""
    for name in [name for name in os.environ if name.startswith("KEEPONE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def photographs():
    """By name: RGB pictures (H, W, 3), uint8, the longest side at most 512, as every step after decoding sees them."""
    found = {}
    for name in SHIPPED:
        image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        image.thumbnail((512, 512))
        found[name] = np.asarray(image)
    return found


@pytest.fixture(scope="session")
def astronaut(photographs):
    return photographs["astronaut"]


@pytest.fixture(scope="session")
def coffee(photographs):
    """512 x 341: shows every mix-up of width and height."""
    return photographs["coffee"]


@pytest.fixture(scope="session")
def written():
    """The bytes of a file with that picture."""

    def write(picture, kind="JPEG", **options):
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(picture)).save(out, kind, **options)
        return out.getvalue()

    return write


@pytest.fixture(scope="session")
def resized():
    """The picture at another scale."""

    def resize(picture, scale):
        height, width, _ = picture.shape
        return np.asarray(Image.fromarray(picture).resize((round(width * scale), round(height * scale))))

    return resize


@pytest.fixture(scope="session")
def saved_as_jpeg(written):
    """The picture as it comes back from a JPEG file."""

    def save(picture, quality):
        return np.asarray(Image.open(io.BytesIO(written(picture, quality=quality))))

    return save


@pytest.fixture
def logging_kept():
    """Puts logging back as it was: the code under test takes over the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False
    for name in ("alembic", "PIL", "httptools"):
        logging.getLogger(name).setLevel(logging.NOTSET)


class C2paSigner:
    """Signs files as cameras and programs do, with a certificate that its own root vouches for."""

    def __init__(self):
        root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = self._certificate("Root of this test", root_key, None, root_key)
        leaf = self._certificate("Signer of this test", key, root, root_key)
        self.root, chain = (
            b"".join(each.public_bytes(serialization.Encoding.PEM) for each in them) for them in ([root], [leaf, root])
        )
        no_password = serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
        self._info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=chain, private_key=pem, ta_url=b"")
        self._info.ta_url = None  # no time stamp: nothing is asked over the network

    @staticmethod
    def _certificate(name, key, issuer, issuer_key):
        is_root = issuer is None
        subject = x509.Name(
            [
                x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name),
                x509.NameAttribute(x509.oid.NameOID.ORGANIZATION_NAME, "Keepone"),
            ]
        )
        since = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
        others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        usage = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
        made = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=subject if is_root else issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since.replace(year=2074))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(
                x509.KeyUsage(digital_signature=not is_root, key_cert_sign=is_root, crl_sign=is_root, **usage),
                critical=True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        )
        if not is_root:
            use = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
            made = made.add_extension(use, critical=False)
        return made.sign(issuer_key, hashes.SHA256())

    def sign(self, data, media_type="image/jpeg", *, actions, parent=None):
        """The file with a manifest that tells of actions: names, or pairs of a name and an IPTC source type."""
        told = []
        for action in actions:
            name, source = action if isinstance(action, tuple) else (action, None)
            iptc = {"digitalSourceType": f"http://cv.iptc.org/newscodes/digitalsourcetype/{source}"} if source else {}
            opens = {"parameters": {"ingredientIds": ["before"]}} if name == "opened" and parent else {}
            told.append({"action": f"c2pa.{name}"} | iptc | opens)
        claims = {
            "claim_generator_info": [{"name": "Made for a test", "version": "1"}],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": told}}],
        }
        out = io.BytesIO()
        with c2pa.Signer.from_info(self._info) as signer, c2pa.Builder(json.dumps(claims)) as builder:
            if parent is not None:
                ingredient = json.dumps({"title": "before", "relationship": "parentOf", "label": "before"})
                builder.add_ingredient(ingredient, media_type, io.BytesIO(parent))
            builder.sign(signer, media_type, io.BytesIO(data), out)
        return out.getvalue()


@pytest.fixture(scope="session")
def c2pa_signer():
    return C2paSigner()


@pytest.fixture(scope="session")
def another_signer():
    """With a root of its own, which nobody trusts."""
    return C2paSigner()
