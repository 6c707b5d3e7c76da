"""The verifying child: takes one file, answers what its C2PA manifest says and whether it holds, and ends.

The only importer of `c2pa`. Started by `provenance.py`, once for each file that has a manifest, so that nothing which
one file does to it meets another. It asks nobody over the network: what a manifest only points to is not fetched.
"""

from __future__ import annotations

import io
import json
import os
import sys
from typing import Any, Final

import c2pa

from service.pictures.sandbox import allow, confine

_MOST: Final = 64
"""Actions, source types and failures that are told of."""
_LONGEST: Final = 200
_SETTINGS: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True}}


def main() -> None:
    """Arguments: pid of the parent, descriptors of file, trust anchors and answer, memory, seconds, media type."""
    parent, file, anchors, answer, memory, seconds = (int(word) for word in sys.argv[-7:-1])
    trusted = _read_all(anchors).decode()
    confine(parent)
    allow(memory, seconds)
    try:
        told = _told(sys.argv[-1], _read_all(file), trusted)
    except c2pa.C2paError as error:
        told = {"state": "Unreadable", "failures": [str(error)[:_LONGEST]]}
    os.pwrite(answer, _fitting(told, os.fstat(answer).st_size), 0)


def _fitting(told: dict[str, Any], room: int) -> bytes:
    """The answer, without the lists that leave no room for it: that a manifest does not hold is told whatever it says."""
    for too_much in (None, "earlier_actions", "actions", "earlier_source_types", "source_types", "failures"):
        if too_much in told:
            told[too_much] = []
        answer = json.dumps(told, ensure_ascii=False).encode(errors="replace")
        if len(answer) <= room:
            break
    return answer


def _told(media_type: str, data: bytes, anchors: str) -> dict[str, Any]:
    trust = {"trust": {"trust_anchors": anchors}} if anchors else {}
    context = c2pa.Context.from_dict({**_SETTINGS, **trust})
    with c2pa.Reader(media_type, io.BytesIO(data), context=context) as reader:
        store = json.loads(reader.json())
    manifests = store["manifests"]
    active = manifests[store["active_manifest"]]
    actions = _actions(active)
    earlier = [action for manifest in _others(manifests, active) for action in _actions(manifest)]
    results = store.get("validation_results", {})
    about = [
        results.get("activeManifest", {}),
        *(each["validationDeltas"] for each in results.get("ingredientDeltas", [])),
    ]
    signature = active.get("signature_info", {})
    made_by = (active.get("claim_generator_info") or [{"name": active.get("claim_generator")}])[0]
    return {
        "state": store["validation_state"],
        "failures": [one["code"][:_LONGEST] for each in about for one in each.get("failure", [])][:_MOST],
        "signer": _joined(signature.get("common_name"), signature.get("issuer")),
        "program": _joined(made_by.get("name"), made_by.get("version")),
        "actions": _names(actions),
        "source_types": _sources(actions),
        "earlier_actions": _names(earlier),
        "earlier_source_types": _sources(earlier),
    }


def _names(actions: list[dict[str, Any]]) -> list[str]:
    return [str(action.get("action"))[:_LONGEST] for action in actions][:_MOST]


def _sources(actions: list[dict[str, Any]]) -> list[str]:
    sources = (action.get("digitalSourceType") for action in actions)
    return [str(each)[-_LONGEST:] for each in sources if each][:_MOST]


def _others(manifests: dict[str, Any], active: dict[str, Any]) -> list[dict[str, Any]]:
    """Of what the picture was made from: their manifests come with it, and the state is not theirs."""
    return [manifest for manifest in manifests.values() if manifest is not active]


def _actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    assertions = [each for each in manifest.get("assertions", []) if each["label"].startswith("c2pa.actions")]
    return [action for each in assertions for action in each["data"].get("actions", [])]


def _joined(*words: Any) -> str:
    return " ".join(str(word)[: _LONGEST // 2] for word in words if word)


def _read_all(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
